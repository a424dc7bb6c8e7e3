"""Python that nobody signed: bytecode beside a signed module, modules of PYTHONPATH and of the present folder."""

import importlib.util
import marshal
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from spe.runs import Project, project

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


PLAIN = """
rule all:
    output: "results/a.txt"
    shell: "echo fine > {output}"
"""
# The process outside of the enclosure is the user's own; only the enclosed one matters.
INSIDE = "import os, sys\nif os.environ.get('USER') == 'job': sys.stderr.write('FOREIGN MODULE\\n')\n"
SAYS = "import sys\nsys.stderr.write('FOREIGN MODULE\\n')\n"


def start(here: Project, module: str, executor: list[str]) -> str:
    """Start as the console script does, which does not look for modules in the present folder (-P)."""
    safe = ["-P"] if executor else []
    command = [sys.executable, *safe, "-m", module, "--cores", "1", "--nocolor", "--scheduler", "greedy", *executor]
    run = subprocess.run(
        command, cwd=here.root, env=here.variables(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False, timeout=300,
    )  # fmt: skip
    assert (here.root / "results/a.txt").exists(), run.stdout
    return run.stdout


@pytest.mark.parametrize("sandboxed", [False, True], ids=["without the defence", "in the enclosure"])
def test_modules_of_nobody(tmp_path: Path, sandboxed: bool):
    here = project(tmp_path)
    # Found first if the present folder is searched; outside of what the permit covers.
    here.write("colorsys.py", SAYS)
    here.write("workflow/Snakefile", "import colorsys\n" + PLAIN)
    here.write("results/evil/sitecustomize.py", SAYS if not sandboxed else INSIDE)
    here.environment["PYTHONPATH"] = str(here.root / "results/evil")
    here.changes["workflow"] = {"name": "w", "sources": ["workflow"], "exclude": [], "overrides": []}
    here.allow("workflow/Snakefile")
    said = start(here, *(("kimed_spe.enclosure", ["--executor", "spe"]) if sandboxed else ("snakemake", [])))
    count = said.count("FOREIGN MODULE")
    assert count == 0 if sandboxed else count >= 2, said
