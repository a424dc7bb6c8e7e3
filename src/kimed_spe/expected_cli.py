"""`spe expected {write,check}`."""

import argparse
from pathlib import Path

from kimed_spe import expected


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    group = commands.add_parser("expected", help="what a published run gave, for those who repeat it")
    actions = group.add_subparsers(required=True, metavar="action")

    write = actions.add_parser("write", help="take the results of a finished run as expected results")
    write.add_argument("workflow", help="name of a folder below workflows/")
    write.add_argument("--results", type=Path, default=Path("results"), help="root folder of the results")
    write.add_argument(
        "--synthetic", action="store_true", help="no person is behind the data: individual-level content may be kept"
    )
    write.set_defaults(run=_write)

    check = actions.add_parser("check", help="are expected results readable, of this version and unchanged?")
    check.add_argument("workflow", nargs="*", help="names of folders below workflows/ (default: all that have some)")
    check.set_defaults(run=_check)


def _say(found: expected.Expected) -> None:
    kept = sum(output.reference is not None for output in found.outputs)
    print(f"{found.workflow}: {len(found.outputs)} results, {kept} with content ({found.kept / 1000:.0f} kB)")


def _write(options: argparse.Namespace) -> int:
    _say(expected.write(Path("workflows", options.workflow), options.results, synthetic=options.synthetic))
    return 0


def _check(options: argparse.Namespace) -> int:
    names = options.workflow or sorted(path.parts[1] for path in Path().glob(f"workflows/*/expected/{expected.FILE}"))
    if not names:
        raise expected.ExpectedError("no workflow below workflows/ has expected results")
    for name in names:
        _say(expected.read(Path("workflows", name, expected.FOLDER)))
    return 0
