"""`samtools`: the samtools that pysam bundles, as a command."""

import sys

import pysam.samtools
import pysam.version

from kimed_hosttools.bundled import run

# Two commands cannot be Python names as they are.
RENAMED = {"fqimport": "import", "cram_size": "cram-size"}
COMMANDS = {RENAMED.get(name, name) for name in pysam.samtools.__all__}


def main() -> None:
    """Run the subcommand named by the first argument and exit with its code."""
    sys.exit(run("samtools", pysam.version.__samtools_version__, COMMANDS, sys.argv[1:]))
