"""Crates of runs of the tests."""

import json
from pathlib import Path

from spe import runs

from kimed_spe.crate_write import Written, export
from kimed_spe.register import Register
from kimed_spe.signing import read_public, read_signer

SITE = '{"name": "Example site", "url": "https://example.org/site"}'


def written(project: runs.Project, target: Path, **options) -> Written:
    signer = read_signer(project.site / "site/register.pem")
    return export(target, Register(project.register), project.root, key=signer, **options)


def key(project: runs.Project):
    return read_public(project.site / "site/register.pub.json")


def metadata(crate: Path) -> dict[str, dict]:
    graph = json.loads((crate / "data/ro-crate-metadata.json").read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}
