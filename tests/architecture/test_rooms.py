"""Everything stands in its room, and nothing stands there unused."""

import re
from pathlib import Path

import pytest
import yaml

from architecture.model import (
    REPOSITORY,
    WORKFLOWS,
    Rule,
    identify,
    imports,
    relative,
    roots,
    tracked,
    working_rules,
)

CODE_SUFFIXES = {".py", ".smk", ".sh"}
NETWORK = {"socket", "requests", "httpx", "aiohttp", "urllib.request", "http.client", "ftplib", "smtplib", "paramiko"}
CONNECTING = {
    "src/kimed_spe/pseudonym_services.py": "runs in the trust centre, never in an SPE (docs/spe/admin.md)",
    "envs/host/kimed_hosttools/references.py": "fetches reference files on a connected machine; no rule runs it",
    "src/kimed_spe/broker.py": "a Unix socket between the run and its supervisor",
    "src/kimed_spe/door.py": "takes connections on such sockets",
    "src/kimed_spe/cluster.py": "the same for commands that go to SLURM",
    "src/kimed_spe/cluster_client.py": "the run's end of that socket",
    "src/kimed_spe/doctor.py": "tries to get out, to see that it cannot",
    "src/kimed_spe/selfprobes.py": "tries to get out, to see that it cannot",
    "src/kimed_spe/crate_validation.py": "answers the validator's requests from this package, so that none is made",
}
STEP_SCRIPTS = [path for path in tracked("scripts/*/*.py") if path.parent.name != "kimedlib"]
LIBRARY = tracked("scripts/kimedlib/*.py")


def test_rooms_are_those_of_the_design():
    rooms = {"workflows", "envs", "rules", "scripts", "profiles", "config", "test_data", "tests", "src", "docs"}
    files = {"README.md", "Makefile", "pyproject.toml", "CHANGELOG.md", "CITATION.cff", "LICENSE", "CONTRIBUTING.md"}
    there = {relative(path).split("/")[0] for path in tracked(".")}
    assert rooms | files | {"requirements", "spe"} <= there | {"spe"}
    visible = {name for name in there if not name.startswith(".")}
    assert visible - rooms - files - {"requirements", "spe"} == set()
    assert (REPOSITORY / "spe").is_symlink() and (REPOSITORY / "spe").readlink() == Path("profiles/spe")
    assert not (REPOSITORY / "profiles" / "default").exists(), "Snakemake loads it unasked and it beats --profile"


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_demonstrator_is_complete(workflow: str):
    folder = REPOSITORY / "workflows" / workflow
    for name in ("Snakefile", "README.md", "outputs.yaml"):
        assert (folder / name).is_file(), f"workflows/{workflow}/{name} is missing"
    assert (REPOSITORY / "config" / f"{workflow}.yaml").is_file()
    assert (REPOSITORY / "config" / "schemas" / f"{workflow}.schema.yaml").is_file()


def test_snakefiles_hold_no_work():
    for workflow in WORKFLOWS:
        text = (REPOSITORY / "workflows" / workflow / "Snakefile").read_text(encoding="utf-8")
        for word in ("\n    shell:", "\n    script:", "\n    run:", "\ndef "):
            assert word not in text, f"workflows/{workflow}/Snakefile: {word.strip()}"


@pytest.mark.parametrize(
    "path", [p for p in tracked(".") if p.suffix in CODE_SUFFIXES or p.name == "Snakefile"], ids=relative
)
def test_file_fits(path: Path):
    limit = 200 if path.name == "common.smk" else 400
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= limit, f"{relative(path)} has {count} lines"


def test_test_data_are_small_and_attributed():
    size = sum(path.stat().st_size for path in tracked("test_data"))
    assert 0 < size < 10_000_000, f"test_data/ holds {size / 1e6:.1f} MB"
    readme = (REPOSITORY / "test_data" / "README.md").read_text(encoding="utf-8")
    assert "seed" in readme and "make test-data" in readme


@pytest.mark.parametrize("path", [p for p in LIBRARY if p.name != "__init__.py"], ids=relative)
def test_library_is_pure_and_used(path: Path):
    assert not roots(imports(path)) & {"snakemake", "argparse", "kimed_spe"}
    module = f"kimedlib.{path.stem}"
    scripts = [other for other in tracked("scripts/**/*.py") if other != path]
    snakefiles = [*tracked("rules/common.smk"), *tracked("workflows/*/Snakefile")]
    imported = rf"^(from kimedlib import .*\b{path.stem}\b|from {module} import |import {module}\b)"
    assert any(module in imports(other) for other in scripts) or any(
        re.search(imported, other.read_text(encoding="utf-8"), flags=re.MULTILINE) for other in snakefiles
    ), f"nothing uses {module}"


@pytest.mark.parametrize("path", STEP_SCRIPTS, ids=relative)
def test_script_knows_its_domain_only(path: Path):
    text = path.read_text(encoding="utf-8")
    assert path in {rule.script for rule in working_rules()}, f"no rule runs {relative(path)}"
    assert "from __future__" not in text, "a SyntaxError in script: files"
    assert "\ndef main(" in text and '\nif __name__ == "__main__":' in text
    assert not roots(imports(path)) & {"kimed_spe", "argparse"}
    others = {other.parent.name for other in STEP_SCRIPTS} - {path.parent.name}
    assert not roots(imports(path)) & others, "imports another domain's scripts"


@pytest.mark.parametrize("path", tracked("scripts/*/*.sh"), ids=relative)
def test_shell_script_is_a_step_and_stops_at_errors(path: Path):
    assert path in {rule.script for rule in working_rules()}, f"no rule runs {relative(path)}"
    assert "set -euo pipefail" in path.read_text(encoding="utf-8")


GOVERNANCE = [
    path for path in tracked("src/**/*.py") if path.parent.name != "kimed_compare"
]  # it knows formats, by name


@pytest.mark.parametrize("path", GOVERNANCE, ids=relative)
def test_governance_knows_no_science(path: Path):
    banned = {"kimedlib", "pysam", "scanpy", "anndata", "monai", "torch", "pydicom", "nibabel"}
    assert not roots(imports(path)) & banned


@pytest.mark.parametrize("path", tracked("scripts/**/*.py", "src/**/*.py", "envs/host/**/*.py"), ids=relative)
def test_python_opens_no_connection(path: Path):
    if relative(path) not in CONNECTING:
        assert not imports(path) & NETWORK


@pytest.mark.parametrize("rule", [rule for rule in working_rules() if rule.parsed.shellcmd], ids=identify)
def test_shell_opens_no_connection(rule: Rule):
    words = set(rule.parsed.shellcmd.replace("|", " ").split())
    assert not words & {"curl", "wget", "ssh", "scp", "rsync", "git", "pip", "conda", "docker", "nc"}


def test_every_rule_file_is_included():
    snakefiles = "".join(path.read_text(encoding="utf-8") for path in tracked("workflows/*/Snakefile"))
    for path in tracked("rules/**/*.smk"):
        assert f"../../{relative(path)}" in snakefiles, f"no workflow includes {relative(path)}"


def test_profiles_are_commented_line_by_line():
    for path in tracked("profiles/*/profile.yaml"):
        commented = False
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#") or line.lstrip().startswith("#"):
                commented = True
            elif not line.strip():
                commented = False
            elif line[0] not in " ?-" and not line.startswith("__"):
                assert commented, f"{relative(path)}: no comment above '{line}'"
        assert yaml.safe_load(path.read_text(encoding="utf-8").replace("?if", "if").replace(" ?machine", " machine"))
