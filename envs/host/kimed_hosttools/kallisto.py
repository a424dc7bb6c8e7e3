"""`kallisto` and `bustools`: the programmes that kb-python ships, as commands."""

import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def shipped(tool: str) -> Path:
    """The programme inside the installed package.

    Raises
    ------
    SystemExit
        The package is not installed, or has no programme for this machine.
    """
    try:
        path = Path(str(distribution("kb-python").locate_file(f"kb_python/bins/linux/{tool}/{tool}")))
    except PackageNotFoundError:
        raise SystemExit(f"{tool}: kb-python, which ships it, is not installed: call `make setup`") from None
    if sys.platform != "linux" or os.uname().machine != "x86_64" or not os.access(path, os.X_OK):
        raise SystemExit(f"{tool}: kb-python ships it for Linux on x86-64 only; put your own on PATH")
    return path


def main() -> None:
    """Become the programme by whose name this was called."""
    tool = Path(sys.argv[0]).name
    os.execv(shipped(tool), [tool, *sys.argv[1:]])  # noqa: S606 - no shell is what is wanted
