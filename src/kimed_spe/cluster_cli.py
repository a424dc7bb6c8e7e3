"""`spe cluster`."""

import argparse
import sys
from pathlib import Path

from kimed_spe import cluster_report, cluster_watchdog, slurm
from kimed_spe.register import Register, RegisterError


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command."""
    parser = commands.add_parser("cluster", help="jobs of governed runs on SLURM")
    actions = parser.add_subparsers(required=True, metavar="action")
    reap = actions.add_parser("reap", help="cancel jobs of runs that this machine started and whose process is gone")
    reap.add_argument("--dry-run", action="store_true", help="only show them")
    reap.set_defaults(run=_reap)
    report = actions.add_parser(
        "report", help="commands and jobs of each run; fails if a job was neither shared nor long enough"
    )
    report.add_argument("--register", type=Path, help="default: the site's, KIMED_REGISTER or .spe/register")
    report.add_argument("--shortest", type=float, default=cluster_report.SHORTEST, help="seconds, default: %(default)g")
    report.add_argument("--last", action="store_true", help="only the last run")
    report.set_defaults(run=_report)


def _reap(options: argparse.Namespace) -> int:
    found = cluster_watchdog.orphans()
    for seen in found:
        sys.stdout.write(f"{seen.number}\t{seen.state}\t{seen.node or '-'}\t{seen.comment.split(':')[1]}\n")
    if found and not options.dry_run:
        slurm.cancel([seen.number for seen in found])
    return 0


def _report(options: argparse.Namespace) -> int:
    register = Register(options.register)
    found = cluster_report.reports(register.entries())
    if not found:
        raise RegisterError(f"{register.path}: no run of this register sent commands to SLURM")
    found = found[-1:] if options.last else found
    sys.stdout.write("\n".join(report.text(options.shortest) for report in found) + "\n")
    return 1 if any(report.short(options.shortest) for report in found) else 0
