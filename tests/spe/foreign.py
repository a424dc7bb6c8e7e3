"""Third parties' workflows, laid out as their authors would have them."""

import shutil
from pathlib import Path

from spe import runs

HERE = Path(__file__).parent / "thirdparty"
WORKFLOWS = {
    "wordfreq": ("workflow/Snakefile", ["wordfreq"]),
    "survey": ("Snakefile", ["survey", "wordfreq"]),
}


def lay_out(name: str, project: runs.Project) -> None:
    """Write a workflow and the modules that it uses, and say what the permit covers."""
    own, *modules = WORKFLOWS[name][1]
    shutil.copytree(HERE / own, project.root, dirs_exist_ok=True)
    for module in modules:
        shutil.copytree(HERE / module, project.root / module)
        shutil.copytree(HERE / module / "data", project.root / "data", dirs_exist_ok=True)
        # A module's own inputs carry its prefix.
        shutil.copytree(HERE / module / "data", project.root / "words" / "data", dirs_exist_ok=True)
    if modules:
        project.sources = ("Snakefile", "config.yaml", "rules", "scripts", "wordfreq")
        project.changes = {"datasets": [runs.dataset("data"), runs.dataset("words/data")]}
