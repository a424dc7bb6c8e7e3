"""The command `spe`: permits, register, pseudonyms, scan and self-check of a secure processing environment."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

COMMANDS = (
    "permit_cli", "trust_cli", "audit_cli", "pseudonym_cli", "scan_cli", "doctor_cli", "environments_cli", "crate_cli",
    "expected_cli",
)  # fmt: skip
"""Modules with `add(subparsers)`; each sets `run`, a function of the parsed arguments that gives the exit status."""


def parser() -> argparse.ArgumentParser:
    """The command line with all sub-commands."""
    top = argparse.ArgumentParser(prog="spe", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="command")
    for name in COMMANDS:
        import_module(f"kimed_spe.{name}").add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done and fine, 1 done and something found or refused, 2 not done."""
    try:
        options = parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except (ValueError, OSError, RuntimeError, IndexError) as error:
        sys.stderr.write(f"spe: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
