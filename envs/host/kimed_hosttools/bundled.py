"""Run a command of the C tools inside pysam as if it were the tool itself."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pysam
from pysam.utils import _pysam_dispatch


@contextmanager
def plain_stdout() -> Iterator[str]:
    """Path by which the bundled code can open this process's stdout.

    What the tools print, in contrast to what they write as BAM or VCF, pysam discards unless it may open a file
    for it, and that it truncates. A pipe or terminal can be opened by its descriptor; in front of a regular file
    (which others may write to as well) goes a `cat`.
    """
    kind = os.fstat(1).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        yield "/dev/fd/1"
        return
    ours, theirs = os.pipe()
    with subprocess.Popen(["/bin/cat"], stdin=ours) as copier:
        os.close(ours)
        try:
            yield f"/dev/fd/{theirs}"
        finally:
            os.close(theirs)
    if copier.returncode:
        raise SystemExit(f"cannot write to stdout (cat exited with {copier.returncode})")


def run(tool: str, version: str, commands: Iterable[str], arguments: list[str]) -> int:
    """Run one subcommand on the process's own stdin and stdout, with the tool's messages on stderr.

    Parameters
    ----------
    tool
        "samtools" or "bcftools".
    version
        Version of the bundled C code, in the form that the tool prints.
    commands
        Names of the subcommands that are bundled.
    arguments
        Everything after the tool's name.

    Returns
    -------
    int
        Exit code of the tool; 1 for a subcommand that is not bundled, like the tool's own answer.
    """
    known = sorted(commands)
    if not arguments or arguments[0] in {"--help", "-h", "help"}:
        usage = (
            f"Program: {tool}\nVersion: {version}\n\nUsage: {tool} <command> [options]\n\nCommands: {' '.join(known)}"
        )
        print(usage, file=sys.stderr if not arguments else sys.stdout)
        return 0 if arguments else 1
    if arguments[0] in {"--version", "version"}:
        htslib = pysam.version.__htslib_version__
        print(f"{tool} {version}\nUsing htslib {htslib}\nBundled with pysam {pysam.__version__}")
        return 0
    command = arguments[0]
    if command not in known:
        print(
            f"[main] unrecognized command '{command}'\n"
            f"{tool}: pysam {pysam.__version__} bundles only: {' '.join(known)}; "
            f"for other commands install {tool} {version} itself",
            file=sys.stderr,
        )
        return 1
    sys.stdout.flush()
    with plain_stdout() as path:
        # `bcftools query` closes the stdout it is given, and pysam closes it again: give it a file of its own.
        # A list of samples goes to the common stdout, though, and the file would stay empty.
        lists = not {"-l", "--list-samples"}.isdisjoint(arguments)
        own = ["-o", path] if (tool, command, lists) == ("bcftools", "query", False) else []
        # The public wrapper folds exit code and messages into the text of an exception.
        code, messages, _ = _pysam_dispatch(
            tool, command, (*own, *arguments[1:]), catch_stdout=False, save_stdout=None if own else path
        )
    if messages:
        sys.stderr.write(messages if isinstance(messages, str) else messages.decode(errors="replace"))
    return int(code)
