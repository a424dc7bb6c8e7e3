"""Crates of governed runs: valid by the validator of others, and nothing in them that must stay."""

import json
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from spe import foreign, runs
from spe.crates import SITE, key, metadata, written

from kimed_spe import bag, canonical
from kimed_spe.crate_reading import Crate, open_crate
from kimed_spe.crate_record import CrateError
from kimed_spe.crate_validation import validate
from kimed_spe.crate_write import export
from kimed_spe.register import Register
from kimed_spe.signing import read_signer

OUTPUTS = """outputs:
  - {path: results/summary.tsv, meaning: Words and how often they stand, egress: open, comparator: exact}
  - {path: "results/stats/{book}.json", meaning: Numbers of each book, egress: check, comparator: exact}
"""


def governed(folder: Path, name: str, **files: str) -> runs.Project:
    """A finished governed run of a third party's workflow."""
    project = runs.project(folder)
    foreign.lay_out(name, project)
    for path, text in files.items():
        project.write(path, text)
    (folder / "publisher.json").write_text(SITE)
    project.environment["KIMED_PUBLISHER"] = str(folder / "publisher.json")
    run = project.run("-s", foreign.WORKFLOWS[name][0], snakefile=foreign.WORKFLOWS[name][0])
    assert run.returncode == 0, run.stdout[-3000:]
    return project


@pytest.fixture(scope="module")
def wordfreq(tmp_path_factory) -> runs.Project:
    return governed(tmp_path_factory.mktemp("wordfreq"), "wordfreq", **{"workflow/outputs.yaml": OUTPUTS})


@pytest.fixture(autouse=True)
def publisher(tmp_path, monkeypatch):
    path = tmp_path / "publisher.json"
    path.write_text(SITE)
    monkeypatch.setenv("KIMED_PUBLISHER", str(path))


@pytest.fixture(scope="module")
def made(wordfreq, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("made") / "crate"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIMED_PUBLISHER", wordfreq.environment["KIMED_PUBLISHER"])
        written(wordfreq, target)
    return target


@pytest.fixture
def crate(made, tmp_path) -> Path:
    """A copy to damage."""
    return shutil.copytree(made, tmp_path / "crate")


def test_validator_finds_no_failure(made, monkeypatch):
    """At REQUIRED and RECOMMENDED severity, for all profiles, and without network."""

    def no_network(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.getaddrinfo", no_network)
    judged = validate(made / "data")
    assert judged.issues == ()
    assert judged.checks > 150
    assert len(judged.defects) == 2


@pytest.mark.slow
def test_validator_finds_no_failure_in_the_other_workflow(tmp_path):
    project = governed(tmp_path, "survey")
    written(project, tmp_path / "crate")
    assert validate(tmp_path / "crate/data").issues == ()


@pytest.mark.parametrize("broken", ["phase", "agent", "instrument"])
def test_validator_sees_what_is_missing(crate, broken):
    """The profile of ours fails where it should."""
    path = crate / "data/ro-crate-metadata.json"
    document = json.loads(path.read_text())
    for entity in document["@graph"]:
        if broken == "phase" and entity["@id"] == "./":
            entity["mentions"] = [one for one in entity["mentions"] if one["@id"] != "#assess-SignOff"]
        if broken == "agent" and entity["@id"] == "#assess-SignOff":
            del entity["agent"]
        if broken == "instrument" and entity["@id"].startswith("#job-"):
            del entity["instrument"]
    path.write_text(json.dumps(document))
    assert validate(crate / "data").issues


def test_others_read_it(made):
    """`runcrate report` of the Workflow Run RO-Crate community, and sha512sum for the bag."""
    from runcrate.report import dump_crate_actions

    text = StringIO()
    dump_crate_actions(str(made / "data"), text)
    assert text.getvalue().count("action: #job-") == 21
    for manifest in (bag.MANIFEST, bag.TAGS):
        subprocess.run(["sha512sum", "--strict", "--quiet", "-c", manifest], cwd=made, check=True)


def test_tells_what_happened(made, wordfreq):
    entities = metadata(made)
    jobs = wordfreq.entries("job")
    told = [entity for name, entity in entities.items() if name.startswith("#job-")]
    assert len(told) == len(jobs)
    for entry in jobs:
        action = entities[f"#job-{entry['index']}"]
        assert action["instrument"]["@id"] == f"#rule-{entry['content']['rule']}"
        results = action["result"] if isinstance(action["result"], list) else [action["result"]]
        digests = {entities[item["@id"]].get("sha256") for item in results}
        assert digests == {item["sha256"] for item in entry["content"]["outputs"].values()} or None in digests
        assert action["endTime"][:16] == entry["time"][:16]
    assert {
        entities[f"#assess-{name}"]["actionStatus"][-21:] for name in ("CheckValue", "ValidationCheck", "SignOff")
    } == {"CompletedActionStatus"}
    run = entities["#run"]["identifier"]
    assert f"run:{jobs[0]['content']['run']}" in run
    assert entities["https://snakemake.github.io"]["softwareVersion"].startswith("9.")
    assert any(name.startswith("#machine-") for name in entities)
    assert (made / "data/workflow/workflow/Snakefile").is_file()


def test_only_open_results_travel(made):
    entities = metadata(made)
    inside = [name for name in entities if name.startswith("results/")]
    assert inside == ["results/summary.tsv"]
    named = {entity["name"] for entity in entities.values() if entity["@id"].startswith("#data-")}
    assert {"results/stats/alpha.json", "data/alpha.txt"} <= named
    assert not (made / "data/results/stats").exists()
    assert not list((made / "data").rglob("samples.tsv")), "tables of the sources are named, not included"


def test_says_nothing_of_machine_and_people(made, wordfreq):
    text = (made / "data/ro-crate-metadata.json").read_text()
    start = wordfreq.entries("run.start")[0]["content"]
    assert str(wordfreq.root) not in text
    assert str(Path.home()) not in text
    assert f'"{start["user"]}"' not in text
    assert f'"{start["node"]}"' not in text
    assert "Test" not in {entity.get("name") for entity in metadata(made).values()}


def test_same_run_same_crate(wordfreq, made, tmp_path):
    written(wordfreq, tmp_path / "again")
    assert (tmp_path / "again" / bag.MANIFEST).read_bytes() == (made / bag.MANIFEST).read_bytes()


def test_reading_gives_what_reproduction_needs(made, wordfreq):
    crate = open_crate(made, [key(wordfreq)])
    assert isinstance(crate, Crate)
    assert crate.complete
    assert crate.signed_by == {key(wordfreq).keyid}
    assert crate.snakefile == "workflow/Snakefile"
    assert crate.outputs["results/summary.tsv"].content is not None
    assert crate.outputs["results/stats/alpha.json"].content is None
    recorded = {name: item for entry in wordfreq.entries("job") for name, item in entry["content"]["outputs"].items()}
    assert {name: item.sha256 for name, item in crate.outputs.items()} == {
        name: item["sha256"] for name, item in recorded.items()
    }
    assert crate.inputs["data/alpha.txt"] == canonical.sha256_file(wordfreq.root / "data/alpha.txt")
    assert crate.outputs["results/summary.tsv"].fingerprint.startswith("exact:")


DAMAGES = {
    "byte of a result": lambda crate: (crate / "data/results/summary.tsv").write_text("x"),
    "byte of the workflow": lambda crate: (crate / "data/workflow/workflow/Snakefile").write_text("x"),
    "metadata": lambda crate: (crate / "data/ro-crate-metadata.json").write_text("{}"),
    "file lost": lambda crate: (crate / "data/results/summary.tsv").unlink(),
    "file added": lambda crate: (crate / "data/more.txt").write_text("x"),
    "manifest lost": lambda crate: (crate / bag.MANIFEST).unlink(),
    "tag file": lambda crate: (crate / "bag-info.txt").write_text("x"),
    "link": lambda crate: (
        (crate / "data/results/summary.tsv").unlink(),
        (crate / "data/results/summary.tsv").symlink_to("/etc/passwd"),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_seen(crate, damage):
    open_crate(crate)
    DAMAGES[damage](crate)
    with pytest.raises(CrateError):
        open_crate(crate)


def repack(crate: Path) -> None:
    """What somebody who knows BagIt would do after a change."""
    bag.close(crate, {"Bagging-Date": "2026-01-01"})


def test_repacked_crate_shows_by_the_digests_in_its_metadata(crate):
    (crate / "data/results/summary.tsv").write_text("word\tcount\nbetter\t1000\n")
    repack(crate)
    with pytest.raises(CrateError, match=r"summary\.tsv was changed"):
        open_crate(crate)


def test_repacked_crate_with_new_digests_shows_by_the_signature(crate, wordfreq):
    result = crate / "data/results/summary.tsv"
    path = crate / "data/ro-crate-metadata.json"
    before = canonical.sha256_file(result)
    result.write_text("word\tcount\nbetter\t1000\n")
    path.write_text(path.read_text().replace(before, canonical.sha256_file(result)))
    repack(crate)
    with pytest.raises(CrateError, match="packed anew after it was signed"):
        open_crate(crate, [key(wordfreq)])
    (crate / "spe-signature.json").unlink()
    repack(crate)
    assert open_crate(crate, [key(wordfreq)]).signed_by == frozenset()


def test_signature_of_a_stranger_counts_for_nothing(wordfreq, tmp_path):
    signer = read_signer(wordfreq.site / "site/stranger.pem")
    export(tmp_path / "crate", Register(wordfreq.register), wordfreq.root, key=signer)
    assert open_crate(tmp_path / "crate", [key(wordfreq)]).signed_by == frozenset()


def test_identifier_in_a_result_stops_the_export(wordfreq, tmp_path):
    linkage = tmp_path / "linkage.tsv"
    word = (wordfreq.root / "results/summary.tsv").read_text().splitlines()[0].split("\t")[0]
    linkage.write_text(f"identifier\tpseudonym\n{word}\tABCD\n")
    with pytest.raises(CrateError, match="give away"):
        written(wordfreq, tmp_path / "crate", identifiers=linkage)
    assert not (tmp_path / "crate").exists()
    assert not list(tmp_path.glob(".crate-*"))


class TestRefused:
    """What was changed since, or never was, cannot be told."""

    @pytest.fixture
    def project(self, wordfreq, tmp_path) -> runs.Project:
        """A copy of the finished run."""
        root = shutil.copytree(wordfreq.root, tmp_path / "project", symlinks=True)
        return runs.Project(root, wordfreq.site)

    def test_workflow_changed(self, project, tmp_path):
        (project.root / "workflow/Snakefile").write_text("rule all:\n    input: []\n")
        with pytest.raises(CrateError, match="changed since run"):
            written(project, tmp_path / "crate")

    @pytest.mark.parametrize("change", ["edited", "removed"])
    def test_result_that_travels_changed(self, project, tmp_path, change):
        path = project.root / "results/summary.tsv"
        path.write_text("x") if change == "edited" else path.unlink()
        with pytest.raises(CrateError, match=r"results/summary\.tsv was changed or removed"):
            written(project, tmp_path / "crate")

    def test_another_permit(self, project, tmp_path):
        other = tmp_path / "permit.json"
        document = json.loads((project.site / "permit.json").read_text())
        other.write_text(json.dumps(document | {"payload": "e30="}))
        with pytest.raises(CrateError, match="not the permit of the run"):
            written(project, tmp_path / "crate", permit=other)

    def test_unknown_run(self, project, tmp_path):
        with pytest.raises(CrateError, match="there is no run 'abc'"):
            written(project, tmp_path / "crate", run="abc")

    def test_empty_register(self, project, tmp_path):
        with pytest.raises(CrateError, match="no job was ever recorded"):
            export(tmp_path / "crate", Register(tmp_path / "register"), project.root)

    def test_target_exists(self, project, tmp_path):
        (tmp_path / "crate").mkdir()
        with pytest.raises(CrateError, match="exists"):
            written(project, tmp_path / "crate")

    def test_publisher_unknown(self, project, tmp_path, monkeypatch):
        monkeypatch.setenv("KIMED_PUBLISHER", str(tmp_path / "none.json"))
        with pytest.raises(CrateError, match="KIMED_PUBLISHER"):
            written(project, tmp_path / "crate")


def test_reporter_of_snakemake(wordfreq):
    """As users type it; the supervisor answers, since the register is not to be seen inside."""
    run = wordfreq.run(
        "--reporter", "spe-crate", "--report-spe-crate-path", "made", sign=False, snakefile="workflow/Snakefile"
    )
    assert run.returncode == 0, run.stdout
    assert open_crate(wordfreq.root / "made").complete
    shutil.rmtree(wordfreq.root / "made")
