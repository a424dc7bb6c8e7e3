"""A step's output goes to its log file; a failure also says on the terminal what went wrong."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from kimedlib.problems import InputProblems


@contextmanager
def log_to(path: str | Path) -> Iterator[None]:
    """Send stdout, stderr, warnings and logging of the block to `path`.

    An exception is written to the log with its traceback and to the terminal in one line
    (input problems in full), then ends the script with exit code 1.
    """
    terminal = sys.stderr
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", encoding="utf-8", buffering=1) as log:
        try:
            with redirect_stdout(log), redirect_stderr(log):
                logging.basicConfig(
                    stream=log, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", force=True
                )
                logging.captureWarnings(capture=True)
                yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the user reads it and the job fails
            traceback.print_exc(file=log)
            said = str(error) if isinstance(error, InputProblems) else f"{type(error).__name__}: {error}"
            terminal.write(f"{said}\n")
            raise SystemExit(1) from None


@contextmanager
def only_errors() -> Iterator[None]:
    """Within it nothing below an error is logged: for libraries that tell every step; warnings after it are heard."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
