"""`samtools`: the samtools that pysam bundles, as a command."""

import sys

import pysam
import pysam.samtools


def main() -> None:
    """Run the subcommand named by the first argument; stdin and stdout are the process's own."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in {"--version", "version", "-h", "--help"}:
        print(f"samtools {pysam.__samtools_version__}")
        return
    command = getattr(pysam.samtools, arguments[0], None)
    if command is None:
        raise SystemExit(f"samtools: '{arguments[0]}' is not among the commands that pysam bundles; use the conda environment")
    try:
        command(*arguments[1:], catch_stdout=False)
    except pysam.SamtoolsError as error:
        raise SystemExit(f"samtools {arguments[0]}: {error}") from None
