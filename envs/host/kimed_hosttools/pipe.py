"""`kimed-pipe`: a pipe of commands, of which the bundled ones share one start of Python.

`kimed-pipe "samtools fixmate -m -u - -" "samtools sort -u -" "tee copy"` does what the shell does with `|` between them
and `pipefail`. A bundled tool takes longer to start (0.06 s of processor time) than to read the variants of a panel.
"""

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from kimed_hosttools import bcftools, samtools

BUNDLED: dict[str, Callable[[], None]] = {"samtools": samtools.main, "bcftools": bcftools.main}
NOT_FOUND = 127  # as of a shell


def is_ours(tool: str) -> bool:
    """Whether PATH leads to the bundled tool, beside this command, and not to another of the same name."""
    found = shutil.which(tool)
    return tool in BUNDLED and found is not None and Path(found).parent.samefile(Path(sys.argv[0]).parent)


def become(command: list[str], ends: tuple[int, int]) -> None:
    """Be the command from here on, with `ends` of pipes as stdin and stdout. Never returns."""
    status: object = NOT_FOUND
    try:
        for number, end in enumerate(ends):
            if end != number:
                os.dup2(end, number)
                os.close(end)
        if is_ours(command[0]):
            sys.argv = command
            BUNDLED[command[0]]()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is executed would inherit that
        os.execvp(command[0], command)  # noqa: S606 (the commands of a rule's script, as its shell would run them)
    except SystemExit as end:
        status = end.code
    except BaseException as error:  # noqa: BLE001 (this copy of the process ends here, whatever happened)
        print(f"{command[0]}: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


def run_pipe(commands: list[list[str]]) -> int:
    """Run the commands, each reading what the one before writes.

    Returns
    -------
    int
        Status of the last one that failed (128 and its signal if killed), else 0; as of a shell with `pipefail`.
    """
    children = []
    source = 0
    for number, command in enumerate(commands):
        last = number == len(commands) - 1
        following, sink = (0, 1) if last else os.pipe()
        child = os.fork()
        if not child:
            if not last:
                os.close(following)
            become(command, (source, sink))
        children.append(child)
        if source:
            os.close(source)
        if not last:
            os.close(sink)
        source = following
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    for command, end in zip(commands, ends, strict=True):
        if end < 0 and -end != signal.SIGPIPE:
            print(f"{command[0]}: {signal.Signals(-end).name}", file=sys.stderr)
    return next((end if end > 0 else 128 - end for end in reversed(ends) if end), 0)


def main() -> None:
    """Run the pipe that the arguments are, a command each, quoted as for a shell."""
    commands = [shlex.split(argument) for argument in sys.argv[1:]]
    if not commands or not all(commands):
        sys.exit("usage: kimed-pipe COMMAND...   (each with its arguments, as one argument)")
    sys.exit(run_pipe(commands))
