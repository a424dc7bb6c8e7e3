"""Bytecode that lies beside a signed module: Python would run it instead, and no digest covers it."""

import importlib.util
import marshal
import os
import struct
from pathlib import Path

import pytest
from spe.runs import project

SNAKEFILE = """
rule all:
    output: "results/a.txt"
    script: "scripts/step.py"
"""
STEP = """
from pathlib import Path
import helper
Path(snakemake.output[0]).write_text(helper.SAYS)
"""


def forge(module: Path) -> None:
    """Bytecode that claims to be of this module: same time and size, other content."""
    status = module.stat()
    code = compile("SAYS = 'forged'\n", str(module), "exec")
    header = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(status.st_mtime), status.st_size)
    target = Path(importlib.util.cache_from_source(str(module)))
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(header + marshal.dumps(code))
    os.utime(module, (status.st_atime, status.st_mtime))


@pytest.mark.parametrize("sandboxed", [False, True], ids=["without the defence", "in the box"])
def test_forged_bytecode(tmp_path: Path, sandboxed: bool):
    here = project(tmp_path)
    here.write("Snakefile", SNAKEFILE)
    here.write("scripts/step.py", STEP)
    forge(here.write("scripts/helper.py", "SAYS = 'honest'\n"))
    run = here.run("--scheduler", "greedy", sandboxed=sandboxed)
    assert run.returncode == 0, run.stdout
    assert (here.root / "results/a.txt").read_text() == ("honest" if sandboxed else "forged")
