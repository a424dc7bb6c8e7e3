"""What crates must not give away, and runs that did not come to their end."""

import json
import subprocess
import sys

import pytest
from spe import runs
from spe.crates import SITE, key, metadata, written

from kimed_spe import crate_privacy, crate_sources
from kimed_spe.crate_reading import open_crate
from kimed_spe.crate_validation import validate

PEM = "-----BEGIN " + "PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def publisher(tmp_path, monkeypatch):
    path = tmp_path / "publisher.json"
    path.write_text(SITE)
    monkeypatch.setenv("KIMED_PUBLISHER", str(path))


def test_claims_of_the_authors_about_actions_are_left_out(tmp_path):
    claim = {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [
            {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}},
            {
                "@id": "./", "@type": "Dataset", "name": "Survey", "description": "Counts answers",
                "author": {"@id": "https://orcid.org/0000-0002-1825-0097"}, "mentions": {"@id": "#approved"},
                "license": {"@id": "https://spdx.org/licenses/MIT"},
            },
            {
                "@id": "https://orcid.org/0000-0002-1825-0097", "@type": "Person", "name": "Josiah Carberry",
                "affiliation": {"@id": "#approved"},
            },
            {"@id": "https://spdx.org/licenses/MIT", "@type": "CreativeWork", "name": "MIT"},
            {"@id": "#approved", "@type": "AssessAction", "name": "Approved by everybody"},
        ],
    }  # fmt: skip
    path = tmp_path / "ro-crate-metadata.json"
    path.write_text(json.dumps(claim))
    properties, entities, stripped = crate_sources.read_authors(tmp_path)
    assert properties["description"] == "Counts answers"
    assert {entity["@id"] for entity in entities} == {
        "https://orcid.org/0000-0002-1825-0097", "https://spdx.org/licenses/MIT",
    }  # fmt: skip
    assert stripped == ("#approved",)


LEAKS = {
    "path": {"name": "made in /home/somebody/project"},
    "account": {"description": "started by mmueller"},
    "machine": {"description": "on node0815 at night"},
    "key": {"value": PEM},
    "name of a secret": {"api_token": "abc"},
    "nested": {"about": [{"x": "see /var/lib/kimed/data"}]},
}


HARMLESS = {
    "address": {"url": "https://example.org/a/b/c"}, "relative path": {"name": "results/a/b.tsv"},
    "fraction": {"name": "1/2/3"}, "media type": {"encodingFormat": "text/x-python"},
}  # fmt: skip


@pytest.mark.parametrize("case", [*LEAKS, *HARMLESS])
def test_leaks_of_metadata(case, tmp_path, monkeypatch):
    monkeypatch.setattr(crate_privacy, "_names", lambda _: {"mmueller", "node0815"})
    found = crate_privacy.leaks(tmp_path, [{"@id": "#x", **(LEAKS | HARMLESS)[case]}], None, None)
    assert bool(found) == (case in LEAKS)


def test_secret_in_a_source_is_withheld(tmp_path):
    (tmp_path / "a.key").write_text("0123")
    (tmp_path / "b.py").write_text(f"KEY = {PEM}")
    for name in ("a.key", "b.py"):
        source = crate_sources.read_source(tmp_path / name, name, "0" * 64)
        assert source.file is None
        assert "key" in source.withheld


PARTIAL = """
rule all:
    input: "results/a.txt", "results/b.txt"

rule a:
    output: "results/a.txt"
    shell: "echo a > {output}"

rule b:
    input: "results/a.txt"
    output: "results/b.txt"
    params: times=3, password="hunter2", place="/etc/passwd"
    shell: "if [ -e data/fail ]; then exit 3; fi; cp {input} {output}"
"""


def test_failed_run_is_told_as_failed_and_repeated_one_with_what_it_builds_on(tmp_path):
    """No pass for a partial run; the second run's crate holds the first run's job that it builds on."""
    project = runs.project(tmp_path)
    project.write("Snakefile", PARTIAL.replace("[ -e data/fail ]", "true"))
    project.write("data/x", "x")
    assert project.run().returncode != 0
    written(project, tmp_path / "failed")
    failed = open_crate(tmp_path / "failed", [key(project)])
    assert not failed.complete
    statuses = [e["actionStatus"][-21:] for n, e in metadata(tmp_path / "failed").items() if n.startswith("#job-")]
    assert sorted(set(statuses)) == ["CompletedActionStatus", "a.org/FailedActionStatus"[-21:]]
    assert validate(tmp_path / "failed/data").issues == ()
    command = [sys.executable, "-m", "kimed_spe.cli", "crate", "validate", "--integrity-only", str(tmp_path / "failed")]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, env=project.variables())
    assert outcome.returncode == 1
    assert "INCOMPLETE" in outcome.stdout
    project.write("Snakefile", PARTIAL)
    assert project.run().returncode == 0
    written(project, tmp_path / "whole")
    entities = metadata(tmp_path / "whole")
    assert {e["instrument"]["@id"] for n, e in entities.items() if n.startswith("#job-")} == {"#rule-a", "#rule-b"}
    values = {e["name"]: e["value"] for e in entities.values() if e["@type"] == "PropertyValue"}
    assert values["times"] == "3"
    assert values["place"].startswith("sha256:")
    assert "hunter2" not in json.dumps(entities)
