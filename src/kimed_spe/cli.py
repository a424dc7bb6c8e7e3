"""The command `spe`: permits, register, reproductions, pseudonyms, scan, self-check of a secure environment."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

COMMANDS = (
    "permit_cli", "trust_cli", "audit_cli", "expected_cli", "crate_cli", "reproduce_cli", "certificate_cli",
    "pseudonym_cli", "scan_cli", "doctor_cli", "environments_cli", "cluster_cli",
)  # fmt: skip
"""Modules with `add(subparsers)`; each sets `run`, a function of the parsed arguments that gives the exit status."""


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """The command line with all sub-commands, or only with the one that is asked for.

    A certificate is verified where this package's other dependencies are not installed: their modules are not loaded.
    """
    top = argparse.ArgumentParser(prog="spe", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="command")
    wanted = f"{command}_cli"
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        import_module(f"kimed_spe.{name}").add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done and fine, 1 done and something found or refused, 2 not done."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = parser(given[0] if given else None).parse_args(given)
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except (ValueError, OSError, RuntimeError, IndexError) as error:
        sys.stderr.write(f"spe: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
