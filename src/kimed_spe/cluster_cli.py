"""`spe cluster`."""

import argparse
import sys

from kimed_spe import cluster_watchdog, slurm


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command."""
    parser = commands.add_parser("cluster", help="jobs of governed runs on SLURM")
    actions = parser.add_subparsers(required=True, metavar="action")
    reap = actions.add_parser("reap", help="cancel jobs of runs that this machine started and whose process is gone")
    reap.add_argument("--dry-run", action="store_true", help="only show them")
    reap.set_defaults(run=_reap)


def _reap(options: argparse.Namespace) -> int:
    found = cluster_watchdog.orphans()
    for seen in found:
        sys.stdout.write(f"{seen.number}\t{seen.state}\t{seen.node or '-'}\t{seen.comment.split(':')[1]}\n")
    if found and not options.dry_run:
        slurm.cancel([seen.number for seen in found])
    return 0
