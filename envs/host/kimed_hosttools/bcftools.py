"""`bcftools`: the bcftools that pysam bundles, as a command."""

import sys

import pysam
import pysam.bcftools


def main() -> None:
    """Run the subcommand named by the first argument; stdin and stdout are the process's own."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in {"--version", "version", "-h", "--help"}:
        print(f"bcftools {pysam.__bcftools_version__}")
        return
    command = getattr(pysam.bcftools, arguments[0], None)
    if command is None:
        raise SystemExit(f"bcftools: '{arguments[0]}' is not among the commands that pysam bundles; use the conda environment")
    try:
        command(*arguments[1:], catch_stdout=False)
    except pysam.SamtoolsError as error:
        raise SystemExit(f"bcftools {arguments[0]}: {error}") from None
