"""The repository as the architecture tests see it: rules as Snakemake itself parses them, imports as ast does."""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings, WorkflowSettings

from kimedlib import check_singlecell

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOWS = ("synthetic", "genomics", "singlecell", "imaging", "clinical_text", "cohort")
DOMAINS = WORKFLOWS
# Configs that switch on the parts that the shipped config leaves out.
EVERYTHING = {
    "imaging": (
        "config/imaging.yaml",
        "config/bias/imaging.yaml",
        "config/cine/imaging.yaml",
        "config/clinic/imaging.yaml",
        "config/crossvalidation/imaging.yaml",
        "config/deface/imaging.yaml",
        "config/filters/imaging.yaml",
        "config/inventory/imaging.yaml",
    ),
    "clinical_text": ("config/clinical_text.yaml", "config/plugin/clinical_text.yaml"),
    "singlecell": (
        "config/singlecell.yaml",
        "config/analyses/singlecell.yaml",
        "config/celltypist/singlecell.yaml",
        "config/cellcycle/singlecell.yaml",
        "config/cellxgene/singlecell.yaml",
        "config/citeseq/singlecell.yaml",
        "config/droplets/singlecell.yaml",
        "config/reads/singlecell.yaml",
        "config/scvi/singlecell.yaml",
    ),
}


@dataclass(frozen=True)
class Rule:
    """One rule of a workflow's own files (not of the modules it imports)."""

    name: str
    workflow: str
    file: Path
    parsed: Any

    @property
    def domain(self) -> str:
        return self.file.parent.name

    @property
    def works(self) -> bool:
        """Whether it does something; target rules only collect inputs."""
        return bool(self.parsed.shellcmd or self.parsed.script or self.parsed.is_run)

    @property
    def text(self) -> str:
        """The rule as written; what Snakemake fills in by default does not count as written."""
        found = re.search(
            rf"^(rule|checkpoint) {self.name}:\n(?:(?:[ \t].*)?\n?)*",
            self.file.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        return found[0] if found else ""

    @property
    def script(self) -> Path | None:
        return (self.file.parent / str(self.parsed.script)).resolve() if self.parsed.script else None

    @property
    def is_python(self) -> bool:
        return bool(self.script and self.script.suffix == ".py")

    @property
    def environment(self) -> Path | None:
        found = self.parsed.conda_env
        return (self.file.parent / str(found)).resolve() if found else None


@cache
def rules_of(workflow: str) -> tuple[Rule, ...]:
    """Rules that stand in this workflow's own Snakefile and rule files."""
    snakefile = REPOSITORY / "workflows" / workflow / "Snakefile"
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api, pytest.MonkeyPatch.context() as patch:
        # The test data have no proteins and no Ensembl identifiers; only the rules are looked at here.
        patch.setattr(check_singlecell, "check_files", lambda *_, **__: [])
        parsed = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(
                configfiles=[REPOSITORY / name for name in EVERYTHING.get(workflow, ())],
                # The reads are one batch, and methods against batch effects are compared where there are several.
                config={"embedding": {"batch": "sample"}} if workflow == "singlecell" else {},
            ),
            workflow_settings=WorkflowSettings(),
            snakefile=snakefile,
            workdir=REPOSITORY,
        )._workflow
        found = []
        for rule in parsed.rules:
            file = Path(str(rule.snakefile)).resolve()
            own = file == snakefile or (file.parent.parent == REPOSITORY / "rules" and file.parent.name == workflow)
            if own:
                found.append(Rule(rule.name, workflow, file, rule))
    for name in [name for name, module in sys.modules.items() if module is None]:
        del sys.modules[name]  # what `leave_out` spares a start, the next workflow may need
    return tuple(found)


def all_rules() -> list[Rule]:
    return [rule for workflow in WORKFLOWS for rule in rules_of(workflow)]


def working_rules() -> list[Rule]:
    return [rule for rule in all_rules() if rule.works]


def identify(rule: Rule) -> str:
    return f"{rule.workflow}.{rule.name}"


@cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    """Files that git tracks or would track, as existing paths."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    return tuple(sorted(REPOSITORY / name for name in set(listed) if name and (REPOSITORY / name).is_file()))


def relative(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@cache
def imports(path: Path) -> frozenset[str]:
    """Full names of the modules that a Python file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def roots(names: frozenset[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def third_party(path: Path) -> set[str]:
    """Import names that neither Python nor this repository provides."""
    own = {"kimedlib", "kimed_spe", "kimed_hosttools", "snakemake", "__future__"}
    return roots(imports(path)) - set(sys.stdlib_module_names) - own


def kimedlib_closure(path: Path) -> set[Path]:
    """The kimedlib modules a script needs, directly or through another."""
    library = REPOSITORY / "scripts" / "kimedlib"
    waiting, seen = [path], set()
    while waiting:
        for name in imports(waiting.pop()):
            module = library / f"{name.split('.')[1]}.py" if name.startswith("kimedlib.") else None
            if module and module.is_file() and module not in seen:
                seen.add(module)
                waiting.append(module)
    return seen


@cache
def environment_pins(path: Path) -> dict[str, str]:
    """Package and version of every dependency line of an environment file."""
    pins = {}
    for line in yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]:
        name, _, pinned = str(line).partition("=")
        pins[name.split("::")[-1]] = pinned.lstrip("=")
    return pins
