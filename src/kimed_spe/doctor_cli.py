"""`spe doctor`."""

import argparse
import sys
from pathlib import Path

from kimed_spe import doctor


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command."""
    parser = commands.add_parser("doctor", help="can this machine hold what the SPE promises?")
    parser.add_argument("--json", action="store_true", help="for monitoring")
    parser.add_argument("--strict", action="store_true", help="warnings count as failures")
    parser.add_argument("--directory", type=Path, default=Path(), help="where runs take place")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    findings = doctor.examine(options.directory.absolute())
    sys.stdout.write(doctor.document(findings) if options.json else doctor.table(findings))
    bad = {"fail", "warn"} if options.strict else {"fail"}
    return int(any(item.state in bad for item in findings))
