"""What a crate says about a workflow besides its run: its files, its environment, who publishes it, who wrote it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kimed_spe import canonical, declared, gate, site, trees
from kimed_spe.crate_record import CrateError, Run

TABLES = (".tsv", ".csv", ".txt.gz", ".xlsx", ".parquet", ".json.gz", ".tsv.gz", ".csv.gz")
"""Endings of files among the sources that are data about persons or samples as likely as not (sample sheets)."""
KEYS = (".key", ".pem", ".p12", ".pfx", ".kdbx")
PRIVATE = re.compile(rb"PRIVATE KEY-----|AGE-SECRET-KEY-")
DESCRIPTION = ("name", "description", "keywords", "author", "creator", "license", "citation")
"""What a workflow's own ro-crate-metadata.json may say about the crate of a run."""


@dataclass(frozen=True)
class Source:
    """One file of the workflow.

    Attributes
    ----------
    path
        Relative to the source root.
    file
        Where it is; None for one that does not travel.
    withheld
        Why it does not travel.
    """

    path: str
    sha256: str
    size: int
    file: Path | None
    withheld: str = ""


@dataclass(frozen=True)
class About:
    """Everything that is not of the run itself.

    Attributes
    ----------
    snakefile
        Path of the main workflow file relative to the source root.
    sources, locks
        Files of the workflow; lock files of its environment, by the paths that the permit names.
    outputs
        Declared results (outputs.yaml), all that the sources hold.
    publisher
        Name and URL of the organisation that runs this environment, and publishes the crate.
    properties, entities
        What the authors say of the workflow, and the JSON-LD entities that this refers to.
    stripped
        Actions that the authors' metadata claimed; they are left out, because only the environment says what happened.
    """

    snakefile: str
    tree: str
    sources: tuple[Source, ...]
    locks: tuple[Source, ...]
    outputs: tuple[declared.DeclaredOutput, ...]
    publisher: Mapping[str, str]
    properties: Mapping[str, Any] = field(default_factory=dict)
    entities: tuple[Mapping[str, Any], ...] = ()
    stripped: tuple[str, ...] = ()


def describe(run: Run, directory: Path) -> About:
    """Collect it, and prove that files are those of the run.

    Parameters
    ----------
    directory
        The working directory of the run.

    Raises
    ------
    CrateError
        The sources or a lock file were changed since, or a description cannot be read.
    """
    snakefile = Path(directory, str(run.start.content["snakefile"])).resolve()
    root = trees.source_root(snakefile)
    workflow = run.permit.content["workflow"]
    try:
        manifest = trees.workflow(root, list(workflow["sources"]), list(workflow["exclude"]))
    except trees.TreeProblem as problem:
        raise CrateError(f"the sources of the workflow cannot be read: {problem}") from problem
    if manifest.digest != workflow["digest"]:
        raise CrateError(
            f"the workflow below {root} was changed since run {run.identifier} (source tree {manifest.digest[:16]}…, "
            f"the permit has {workflow['digest'][:16]}…): check out the version that ran, or run this one first"
        )
    sources = tuple(read_source(root / name, name, digest) for name, digest in sorted(manifest.files.items()))
    locks = tuple(_lock(directory, *item) for item in sorted(run.permit.content["environments"].items()))
    properties, entities, stripped = read_authors(root)
    return About(
        snakefile.relative_to(root).as_posix(), manifest.digest, sources, locks, _declared(root, manifest),
        publisher(), properties, entities, stripped,
    )  # fmt: skip


def read_source(file: Path, name: str, digest: str) -> Source:
    if file.is_symlink():
        return Source(name, digest, 0, None, "a link to another file of the workflow")
    data = file.read_bytes()
    withheld = ""
    if name.endswith(KEYS) or PRIVATE.search(data):
        withheld = "holds a key"
    elif name.endswith(TABLES):
        withheld = "a table, which may be about persons"
    return Source(name, digest, len(data), None if withheld else file, withheld)


def _lock(directory: Path, name: str, digest: str) -> Source:
    path = directory / name
    try:
        found = canonical.sha256_file(path)
    except (OSError, ValueError) as error:
        raise CrateError(f"the lock file {name} of the permit cannot be read: {error}") from error
    if found != digest:
        raise CrateError(f"{name} was changed since: its SHA-256 is not the one in the permit")
    return Source(name.lstrip("/"), found, path.stat().st_size, path)


def _declared(root: Path, manifest: trees.Manifest) -> tuple[declared.DeclaredOutput, ...]:
    found: dict[str, declared.DeclaredOutput] = {}
    for name in sorted(manifest.files):
        if name.rpartition("/")[2] == "outputs.yaml":
            try:
                found.update({output.path: output for output in declared.load(root / name)})
            except declared.DeclarationError as error:
                raise CrateError(str(error)) from error
    return tuple(found.values())


def publisher() -> dict[str, str]:
    """Who runs this environment: KIMED_PUBLISHER or the site's file names a JSON document with `name` and `url`.

    Raises
    ------
    CrateError
        The document is missing or of another form.
    """
    path = site.place("publisher", gate.DEMONSTRATION / "publisher.json")
    try:
        data = canonical.decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CrateError(
            f"who publishes crates is not known ({path}: {error}): write a JSON document with `name` and `url` of the "
            "organisation, and name it in KIMED_PUBLISHER or the site's file"
        ) from error
    if not isinstance(data, dict) or set(data) != {"name", "url"} or not str(data["url"]).startswith("http"):
        raise CrateError(f"{path}: must hold `name` and `url` (http…) and nothing else")
    return {"name": str(data["name"]), "url": str(data["url"])}


def read_authors(root: Path) -> tuple[dict[str, Any], tuple[Mapping[str, Any], ...], tuple[str, ...]]:
    """What the workflow's own metadata say: ro-crate-metadata.json if there is one, else CITATION.cff."""
    crate, citation = root / "ro-crate-metadata.json", root / "CITATION.cff"
    if crate.is_file():
        return _own_crate(crate)
    if citation.is_file():
        return _citation(citation)
    return {}, (), ()


def _citation(path: Path) -> tuple[dict[str, Any], tuple[Mapping[str, Any], ...], tuple[str, ...]]:
    """Citation File Format 1.2: title, abstract, version, license (SPDX), repository, authors."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CrateError(f"{path}: cannot be read: {error}") from error
    names = {"title": "name", "abstract": "description", "version": "version"}
    properties: dict[str, Any] = {new: str(data[old]).strip() for old, new in names.items() if data.get(old)}
    for key in ("repository-code", "url"):
        if data.get(key):
            properties.setdefault("url", str(data[key]))
    entities: list[Mapping[str, Any]] = []
    if isinstance(data.get("license"), str):
        license_id = f"https://spdx.org/licenses/{data['license']}"
        properties["license"] = {"@id": license_id}
        entities.append({"@id": license_id, "@type": "CreativeWork", "name": data["license"]})
    return properties, tuple(entities), ()


def _own_crate(path: Path) -> tuple[dict[str, Any], tuple[Mapping[str, Any], ...], tuple[str, ...]]:
    """Of a Workflow RO-Crate: what its root says of itself, with what that refers to. No action is believed."""
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        entities = {str(entity["@id"]): entity for entity in graph}
        top = entities[next(entities[name]["about"]["@id"] for name in entities if name.endswith(path.name))]
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise CrateError(f"{path}: is no RO-Crate metadata file ({type(error).__name__}: {error})") from error
    stripped = tuple(sorted(name for name, entity in entities.items() if "Action" in str(entity.get("@type"))))
    properties = {name: top[name] for name in DESCRIPTION if name in top}
    told: dict[str, Mapping[str, Any]] = {}
    waiting = list(properties.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            name = str(value.get("@id", ""))
            entity = entities.get(name)
            if entity and name not in told and name not in stripped and name not in ("./", path.name):
                told[name] = entity
                waiting += [inner for key, inner in entity.items() if key != "@id"]
    return properties, tuple(told.values()), stripped
