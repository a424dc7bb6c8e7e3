"""Every conda pin is proven to exist for linux-64 and for the Python of its environment, or is marked as unproven.

`envs/proven.tsv` holds the facts: builds seen in solved lock files of other people (source `wrappers`:
snakemake-wrappers d3e6a345, MIT) and versions that the feedstocks' history names (source `feedstock`, no build known).
"""

import csv
import itertools
import re
from pathlib import Path

import pytest
import yaml

from architecture.model import REPOSITORY, environment_pins, relative, tracked

ENVIRONMENTS = tracked("envs/*.yaml")
BUILDS = tracked("envs/*.linux-64.builds.txt")
FACTS = REPOSITORY / "envs" / "proven.tsv"
PIN = re.compile(r"\s*- ([a-z0-9._-]+)=([^\s#]+)(.*)")


def facts(path: Path = FACTS) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def tag(build: str) -> str | None:
    """Python that a build is for, e.g. `313`; None if it suits any."""
    found = re.search(r"py(2\d|3\d+)(?=h|_)", build)
    return found[1] if found and not build.startswith("pyh") else None


def pythons(name: str, version: str, known: list[dict[str, str]]) -> set[str] | None:
    """Pythons for which a pin is proven, `any` for what suits every one; None where nothing is known."""
    rows = [row for row in known if (row["package"], row["version"]) == (name, version)]
    return {tag(row["build"]) or "any" for row in rows} if rows else None


def unproven(env: str, known: list[dict[str, str]]) -> list[str]:
    """Pins of an env file's text without proof for its Python (or, where none is pinned, for any Python in common)."""
    found = {match[1]: match[2] for match in map(PIN.match, env.splitlines()) if match}
    if "python" in found:
        common = {"".join(found["python"].split(".")[:2])}
    else:
        bound = [proven for pin in found.items() if (proven := pythons(*pin, known)) and "any" not in proven]
        common = set.intersection(*bound) if bound else {"any"}
    missing = []
    for name, version in found.items():
        proven = pythons(name, version, known) or set()
        # Builds of Python itself are tagged like those for it, or (up to 3.12) not at all.
        if not proven or not (proven & {"any"} or proven & common):
            missing.append(name)
    return missing


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=relative)
def test_pins_are_proven_for_one_python_or_marked(path: Path):
    text = path.read_text(encoding="utf-8")
    marked = [match[1] for line in text.splitlines() if (match := PIN.match(line)) and "# unproven" in match[3]]
    assert unproven(text, facts()) == marked, f"{relative(path)}: marked as unproven must be exactly those"


ENV = "dependencies:\n  - python=3.13.14\n  - numpy=2.4.6\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ENV, []),
        (ENV.replace("2.4.6", "2.4.7"), ["numpy"]),
        (ENV + "  - scipy=1.17.1\n", ["scipy"]),
        (ENV + "  - pytorch=2.13.0\n", ["pytorch"]),
        (ENV.replace("3.13.14", "3.14.6"), ["python"]),
        (ENV.replace("3.13.14", "3.11.15"), ["python", "numpy"]),
        ("  - cutadapt=5.2\n  - samtools=1.24\n", []),
        ("  - cutadapt=5.2\n  - sequali=1.0.2\n", ["cutadapt", "sequali"]),
    ],
    ids=["proven", "version", "unknown", "other Python", "Python", "old Python", "tools", "no common Python"],
)
def test_unproven_pin_is_found(text: str, found: list[str]):
    assert unproven(text, facts()) == found


def test_facts_are_used():
    pinned = {pin for path in ENVIRONMENTS for pin in environment_pins(path).items()}
    assert {(row["package"], row["version"]) for row in facts()} <= pinned, "envs/proven.tsv holds what is pinned only"


@pytest.mark.parametrize("path", BUILDS, ids=relative)
def test_builds_hold_the_pins_of_their_env_file(path: Path):
    env = path.with_name(path.name.removesuffix(".linux-64.builds.txt") + ".yaml")
    names = [line.split("/")[-1].split("#")[0] for line in path.read_text().splitlines() if line[0] != "#"]
    there = dict(re.sub(r"(\.conda|\.tar\.bz2)$", "", name).rsplit("-", 2)[:2] for name in names)
    assert len(there) == len(names), "a package stands there twice"
    assert environment_pins(env).items() <= there.items()
    channels = {line.split("/")[0] for line in path.read_text().splitlines() if line[0] != "#"}
    assert channels <= set(yaml.safe_load(env.read_text())["channels"])


def unclosed(pins: dict[str, str], closures: list[dict[str, str]]) -> set[str]:
    """What the nearest known closure lacks of an environment, whichever versions the others have."""
    lacks = (pins.keys() - closure.keys() for closure in closures)
    return min(lacks, key=lambda lacking: (len(lacking), sorted(lacking)))


def agreeing(pins: dict[str, str], closures: list[dict[str, str]]) -> bool:
    """Whether two closures hold all of an environment, and the same build of every package that they share."""
    held = [(closure, pins.keys() & closure.keys()) for closure in closures]
    return any(
        all(one[name] == other[name] for name in one.keys() & other.keys())
        for (one, here), (other, there) in itertools.combinations(held, 2)
        if here | there == pins.keys()
    )


def test_closures_that_would_do_are_found():
    closures = [{"python": "3.13_0", "numpy": "2_0"}, {"python": "3.14_0", "numpy": "2_0", "scipy": "1_0"}]
    assert unclosed({"python": "3.13", "scipy": "1"}, closures) == set()
    assert unclosed({"python": "3.13", "scipy": "1", "torch": "2"}, closures) == {"torch"}
    assert not agreeing({"python": "3.13", "torch": "2"}, [*closures, {"python": "3.14_1", "torch": "2_0"}])
    assert agreeing({"python": "3.13", "torch": "2"}, [*closures, {"python": "3.14_0", "torch": "2_0"}])


@pytest.fixture
def evidence(kimed_data: Path) -> Path:
    """Folder with the known builds and closures."""
    if not (kimed_data / "conda").is_dir():
        pytest.skip("KIMED_DATA holds no conda evidence")
    return kimed_data / "conda"


@pytest.mark.real_data
def test_documents_say_what_the_evidence_lacks_for_each_environment(evidence: Path):
    """No environment without a builds file could be closed by other versions; the table names what is missing."""
    with (evidence / "known_builds.tsv").open(encoding="utf-8", newline="") as handle:
        builds = {row["id"]: row for row in csv.DictReader(handle, delimiter="\t")}
    with (evidence / "closures.tsv").open(encoding="utf-8", newline="") as handle:
        rows = [row["build_ids_in_install_order"] for row in csv.DictReader(handle, delimiter="\t")]
    closures = [{builds[i]["name"]: i for i in row.split(",") if i} for row in rows]
    text = (REPOSITORY / "docs" / "environments.md").read_text(encoding="utf-8")
    open_files = [path for path in ENVIRONMENTS if path.with_name(f"{path.stem}.linux-64.builds.txt") not in BUILDS]
    assert len(open_files) + len(BUILDS) == len(ENVIRONMENTS)
    for path in open_files:
        lacking = unclosed(environment_pins(path), closures)
        closable = not lacking or agreeing(environment_pins(path), closures)
        assert not closable, f"{relative(path)} can be closed with what is known: write its builds"
        line = next(line for line in text.splitlines() if line.startswith(f"| `{path.name}` lacks"))
        assert {name.strip(" `") for name in line.split("|")[2].split(",")} == lacking


@pytest.mark.real_data
def test_facts_are_those_of_the_sources(evidence: Path):
    with (evidence / "known_builds.tsv").open(encoding="utf-8", newline="") as handle:
        builds = list(csv.DictReader(handle, delimiter="\t"))
    with (evidence / "feedstock_versions.tsv").open(encoding="utf-8", newline="") as handle:
        versions = {row["name"]: row["versions"].split() for row in csv.DictReader(handle, delimiter="\t")}
    keys = ("name", "version", "build", "channel", "subdir")
    known = {tuple(row[key] for key in keys) for row in builds}
    for row in facts():
        if row["source"] == "feedstock":
            assert row["version"] in versions[row["package"]], row
        else:
            assert (row["package"], *(row[key] for key in keys[1:])) in known, row
    lines = {
        f"{row['channel']}/{row['subdir']}/{row['name']}-{row['version']}-{row['build']}{row['suffix']}#{row['md5']}"
        for row in builds
    }
    for path in BUILDS:
        assert {line for line in path.read_text().splitlines() if line[0] != "#"} <= lines, relative(path)
