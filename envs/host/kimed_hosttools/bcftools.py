"""`bcftools`: the bcftools that pysam bundles, as a command."""

import sys

import pysam.bcftools
import pysam.version

from kimed_hosttools.bundled import run

# `plugin` is exported by pysam, but its C code is not compiled in.
COMMANDS = set(pysam.bcftools.__all__) - {"plugin"}


def main() -> None:
    """Run the subcommand named by the first argument and exit with its code."""
    sys.exit(run("bcftools", pysam.version.__bcftools_version__, COMMANDS, sys.argv[1:]))
