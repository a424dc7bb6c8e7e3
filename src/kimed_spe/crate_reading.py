"""Read a crate and prove it: bag, digests, signature. Nothing of it is believed before that."""

import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from kimed_spe import bag, canonical
from kimed_spe.crate_record import CrateError
from kimed_spe.crate_write import SIGNATURE, TYPE
from kimed_spe.signing import Key, read_envelope, valid_signers

METADATA = "ro-crate-metadata.json"
RUN = "#run"


@dataclass(frozen=True)
class Published:
    """One result that the crate tells of.

    Attributes
    ----------
    sha256, size
        Of the content; of a folder, of its manifest.
    fingerprint
        `kimed_compare.fingerprint` under the declared comparator, where the crate has one.
    content
        The file itself, if it travels with the crate.
    """

    sha256: str
    size: int
    fingerprint: str | None
    content: Path | None


@dataclass(frozen=True)
class Crate:
    """A crate whose files are those that its manifests list.

    Attributes
    ----------
    payload
        Folder of ro-crate-metadata.json.
    sha256
        Of the payload's manifest: it names the crate.
    signed_by
        Ids of the given keys that signed it; empty if none of them did.
    complete
        Whether the run came to its end.
    snakefile
        Main workflow file relative to the source root; below `payload/workflow`.
    tree
        Digest of the source tree that ran.
    sources
        SHA-256 of all files of the workflow by path, those that do not travel too.
    environment
        SHA-256 of lock files by path.
    inputs
        SHA-256 of what the run read and did not make, by path.
    outputs
        What jobs made, by path.
    targets
        What was asked for, where known.
    entities
        All metadata by identifier.
    """

    payload: Path
    sha256: str
    signed_by: frozenset[str]
    run: str
    permit: str
    permit_sha256: str
    complete: bool
    snakefile: str
    tree: str
    sources: Mapping[str, str]
    environment: Mapping[str, str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, Published]
    targets: tuple[str, ...]
    entities: Mapping[str, Mapping[str, Any]]


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zipped crate and give the folder of its bag.

    Raises
    ------
    CrateError
        It is no archive, or a member would leave the folder.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            for name in file.namelist():
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                    raise CrateError(f"{archive}: member {name!r} would leave the folder")
            file.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise CrateError(f"{archive}: cannot be unpacked: {error}") from error
    tops = [path.parent for path in sorted(folder.rglob("bagit.txt"))]
    if not tops:
        shutil.rmtree(folder, ignore_errors=True)
        raise CrateError(f"{archive}: holds no crate in a bag (bagit.txt)")
    return tops[0]


def open_crate(path: Path, keys: list[Key] | None = None) -> Crate:
    """Read a crate and prove that it is as it was made.

    Parameters
    ----------
    path
        The bag, or the payload in it.
    keys
        Public keys that may have signed it. Without a signature by one of them a crate is only known to be whole, not
        to come from anybody: `signed_by` is empty.

    Raises
    ------
    CrateError
        Missing, changed or added file, wrong digest, forged signature, or no crate; names the file and the reason.
    """
    folder = path.parent if path.name == bag.PAYLOAD and (path.parent / "bagit.txt").is_file() else path
    if not (folder / "bagit.txt").is_file():
        raise CrateError(f"{path}: is no crate in a bag: bagit.txt is missing")
    found = bag.problems(folder)
    if found:
        raise CrateError("\n".join(f"{folder.name}: {line}" for line in found))
    payload = folder / bag.PAYLOAD
    entities = _entities(payload / METADATA)
    _prove_digests(payload, entities)
    signed_by = _signers(folder, keys or [])
    try:
        return _crate(folder, payload, entities, signed_by)
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise CrateError(
            f"{METADATA}: is not of a run of this environment ({type(error).__name__}: {error})"
        ) from error


def _entities(path: Path) -> dict[str, Mapping[str, Any]]:
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        return {str(entity["@id"]): entity for entity in graph}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CrateError(f"{path.name}: cannot be read ({type(error).__name__}: {error})") from error


def _prove_digests(payload: Path, entities: Mapping[str, Mapping[str, Any]]) -> None:
    """The bag may have been packed anew: the digests in the metadata must be those of the files, too."""
    for name, entity in entities.items():
        if "File" in _list(entity.get("@type")) and name[0] != "#" and "://" not in name and "sha256" in entity:
            file = payload / name
            if not file.is_file():
                raise CrateError(f"{name} is missing, though the metadata list it")
            if canonical.sha256_file(file) != entity["sha256"]:
                raise CrateError(f"{name} was changed: its SHA-256 is not the one in the metadata")


def _signers(folder: Path, keys: list[Key]) -> frozenset[str]:
    path = folder / SIGNATURE
    if not path.exists():
        return frozenset()
    try:
        envelope = read_envelope(path)
        statement = canonical.decode(envelope.payload)
        matches = statement["manifest_sha256"] == canonical.sha256_file(folder / bag.MANIFEST)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CrateError(f"{SIGNATURE}: cannot be read ({error})") from error
    if envelope.payload_type != TYPE or not matches:
        raise CrateError(f"{SIGNATURE}: signs something else: the crate was packed anew after it was signed")
    return frozenset(valid_signers(envelope, keys))


def _crate(folder: Path, payload: Path, entities: Mapping[str, Mapping[str, Any]], signed_by: frozenset[str]) -> Crate:
    run = entities[RUN]
    said = dict(str(text).partition(":")[::2] for text in _list(run["identifier"]))
    workflow = entities[str(run["instrument"]["@id"])]
    jobs = [entity for name, entity in entities.items() if name.startswith("#job-")]
    results = [entities[item["@id"]] for job in jobs for item in _list(job.get("result"))]
    read = [entities[item["@id"]] for item in _list(run.get("object")) if "sha256" in entities[item["@id"]]]
    files = {name: entity for name, entity in entities.items() if "sha256" in entity}
    parts = {str(item["@id"]) for item in _list(workflow.get("isBasedOn"))} | {str(workflow["@id"])}
    locks = {str(item["@id"]) for item in _list(workflow.get("softwareRequirements"))}
    snakefile = str(workflow["@id"]).removeprefix("workflow/")
    sources = {str(files[name].get("name")): str(files[name]["sha256"]) for name in parts & set(files)}
    sources.pop(str(workflow.get("name")), None)
    return Crate(
        payload=payload, sha256=canonical.sha256_file(folder / bag.MANIFEST), signed_by=signed_by, run=said["run"],
        permit=said["permit"], permit_sha256=said["permit-sha256"],
        complete=str(run["actionStatus"]).endswith("CompletedActionStatus"), snakefile=snakefile,
        tree=str(workflow["identifier"]).removeprefix("source-tree-sha256:"),
        sources=sources | {snakefile: str(workflow["sha256"])},
        environment={str(files[name]["name"]): str(files[name]["sha256"]) for name in locks},
        inputs={str(entity["name"]): str(entity["sha256"]) for entity in read},
        outputs={str(entity["name"]): _published(payload, entity) for entity in results if "sha256" in entity},
        targets=tuple(str(said["targets"]).split()) if "targets" in said else (), entities=entities,
    )  # fmt: skip


def _published(payload: Path, entity: Mapping[str, Any]) -> Published:
    inside = payload / str(entity["@id"]) if not str(entity["@id"]).startswith("#") else None
    mark = entity.get("identifier")
    return Published(str(entity["sha256"]), int(entity["contentSize"]), str(mark) if mark else None, inside)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
