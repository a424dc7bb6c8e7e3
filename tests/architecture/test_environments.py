"""Environments are pinned exactly, hold what their scripts import, and agree with the locked host environment."""

import csv
import re
from functools import lru_cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from architecture.model import (
    REPOSITORY,
    Rule,
    environment_pins,
    identify,
    kimedlib_closure,
    relative,
    third_party,
    tracked,
    working_rules,
)

ENVIRONMENTS = tracked("envs/*.yaml")
# Where the two package worlds name one thing differently: wheel -> conda.
CONDA_NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "igraph": "python-igraph",
    "isal": "python-isal",
    "pillow": "pillow",
    "scvi": "scvi-tools",
}
# Tools whose version a wheel carries under another name: conda package -> (wheel, version of the tool in that wheel).
BUNDLED = {"samtools": ("pysam", "1.24"), "bcftools": ("pysam", "1.24"), "bwa": ("pybwa", "0.7.19")}


@lru_cache(maxsize=1)
def locked() -> dict[str, str]:
    """Versions of the host environment."""
    text = "".join((REPOSITORY / "requirements" / name).read_text() for name in ("dev.lock", "torch.txt"))
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s\\]+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=relative)
def test_is_pinned_exactly(path: Path):
    environment = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(environment) == {"channels", "dependencies"}
    assert environment["channels"] in (["conda-forge"], ["conda-forge", "bioconda"])
    for line in environment["dependencies"]:
        assert re.fullmatch(r"[a-z0-9._-]+=\d[\w.]*", str(line)), f"{relative(path)}: '{line}' is not name=x.y.z"
    assert path in {rule.environment for rule in working_rules()}, f"no rule uses {relative(path)}"


@pytest.mark.parametrize("rule", [rule for rule in working_rules() if rule.is_python], ids=identify)
def test_environment_holds_what_the_script_imports(rule: Rule):
    pins = environment_pins(rule.environment)
    assert "python" in pins
    distributions = packages_distributions()
    for path in [rule.script, *sorted(kimedlib_closure(rule.script))]:
        for name in third_party(path):
            candidates = {found.lower() for found in distributions.get(name, [name])}
            candidates |= {CONDA_NAMES.get(found, found) for found in candidates}
            assert candidates & set(pins), (
                f"{relative(path)} imports {name}; {relative(rule.environment)} has none of {candidates}"
            )


def differences() -> set[tuple[str, str, str]]:
    """(package, conda pin, host version) wherever the two differ."""
    found = set()
    for path in ENVIRONMENTS:
        for name, pin in environment_pins(path).items():
            wheel = {conda: wheel for wheel, conda in CONDA_NAMES.items()}.get(name, name)
            host = BUNDLED[name][1] if name in BUNDLED else locked().get(wheel)
            if host is not None and host.split("+")[0] != pin:
                found.add((name, pin, host))
    return found


def test_host_versions_equal_conda_pins_or_the_difference_is_explained():
    with (REPOSITORY / "envs" / "differences.tsv").open(encoding="utf-8", newline="") as handle:
        explained = {(row["package"], row["conda"], row["host"]) for row in csv.DictReader(handle, delimiter="\t")}
    assert differences() == explained, "envs/differences.tsv lists exactly the differences, each with its reason"
