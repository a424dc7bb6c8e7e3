"""Manifests of reference files: what each file must be, contig by contig and byte by byte."""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from jsonschema import Draft202012Validator

from kimedlib.genomics_builds import known_build
from kimedlib.opening import ZIPPED
from kimedlib.problems import InputProblems, Problem
from kimedlib.sheet import load_schema

FORMAT = "kimed-references-1"
SCHEMA = Path(__file__).resolve().parents[2] / "config" / "schemas" / "genomics.references.schema.yaml"
CHUNK = 1 << 20
AGAIN = "copy it again from its source, or write the manifest anew if the file was changed on purpose"


class Contig(TypedDict):
    """A sequence of the reference."""

    name: str
    length: int
    md5: str


@dataclass(frozen=True)
class Manifest:
    """A manifest that its schema accepts.

    Attributes
    ----------
    path
        The file it came from; its paths are relative to that folder.
    build
        Build of the reference.
    contigs
        Sequences of the reference.
    files
        Entries: path, role, bytes, sha256 and perhaps source.
    """

    path: Path
    build: str
    contigs: list[Contig]
    files: list[dict[str, Any]]

    @property
    def lengths(self) -> dict[str, int]:
        """Lengths of the contigs by name."""
        return {contig["name"]: contig["length"] for contig in self.contigs}

    @property
    def checksums(self) -> dict[str, str]:
        """MD5 of the bases of each contig, by name."""
        return {contig["name"]: contig["md5"] for contig in self.contigs}

    def entry(self, path: str | Path) -> dict[str, Any] | None:
        """The entry of a file, wherever it is seen from."""
        wanted = Path(path).resolve()
        return next((one for one in self.files if (self.path.parent / one["path"]).resolve() == wanted), None)


def read_manifest(path: str | Path) -> Manifest:
    """Read and check a manifest.

    Raises
    ------
    InputProblems
        Missing, not JSON, or not of the form that config/schemas/genomics.references.schema.yaml describes.
    """
    file = str(path)
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputProblems([Problem(file, "", error.strerror or str(error), "give the path of a manifest")]) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputProblems(
            [Problem(file, "", f"is not JSON: {error}", "write it anew (docs/genomics_references.md)")]
        ) from None
    errors = sorted(
        Draft202012Validator(load_schema(SCHEMA)).iter_errors(content), key=lambda one: list(map(str, one.path))
    )
    if errors:
        raise InputProblems(
            Problem(file, one.json_path, one.message, "write the manifest anew (docs/genomics_references.md)")
            for one in errors
        )
    return Manifest(Path(path), content["build"], content["contigs"], content["files"])


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sequences(path: str | Path) -> Iterator[Contig]:
    """Name, length and M5 of every sequence of a FASTA file, plain or gzip.

    Raises
    ------
    ValueError
        The first line is no FASTA header, a sequence is empty, or a name stands there twice.
    OSError, EOFError, zlib.error
        The file is damaged.
    """
    with Path(path).open("rb") as handle:
        zipped = handle.read(2) == ZIPPED
    seen: set[str] = set()
    name, length, digest = "", 0, hashlib.md5(usedforsecurity=False)
    with gzip.open(path, "rb") if zipped else Path(path).open("rb") as lines:
        for line in lines:
            if not line.startswith(b">"):
                bases = b"".join(line.split()).upper()
                if bases and not name:
                    raise ValueError(f"{path} is no FASTA file: it does not begin with '>'")
                length += len(bases)
                digest.update(bases)
                continue
            if name:
                yield finished(path, name, length, digest.hexdigest())
            words = line[1:].split()
            name, length, digest = words[0].decode() if words else "", 0, hashlib.md5(usedforsecurity=False)
            if not name or name in seen:
                raise ValueError(f"{path}: a sequence has no name, or the name '{name}' stands there twice")
            seen.add(name)
    if name:
        yield finished(path, name, length, digest.hexdigest())


def finished(path: str | Path, name: str, length: int, md5: str) -> Contig:
    """A contig that has bases."""
    if not length:
        raise ValueError(f"{path}: the sequence '{name}' has no bases")
    return {"name": name, "length": length, "md5": md5}


def describe(folder: Path, files: Sequence[Mapping[str, str]], build: str = "") -> dict[str, Any]:
    """Content of the manifest of files below `folder`.

    Parameters
    ----------
    folder
        Folder of the manifest.
    files
        path (relative to `folder`), role and, if known, source of each; one has the role `reference`.
    build
        Build of the reference; "" to tell it from the lengths of its chromosomes.

    Raises
    ------
    ValueError
        Not one reference; a file is empty; the build cannot be told, or is not that of the lengths.
    """
    references = [one["path"] for one in files if one["role"] == "reference"]
    if len(references) != 1:
        raise ValueError(f"{len(references)} files have the role 'reference'; exactly one must")
    contigs = list(sequences(folder / references[0]))
    found = known_build({contig["name"]: contig["length"] for contig in contigs})
    if build and found and build != found:
        raise ValueError(f"{references[0]} is said to be of {build}, but its lengths are those of {found}")
    if not (build or found):
        raise ValueError(f"{references[0]}: the lengths of its contigs are of no known build; name the build")
    entries = []
    for one in files:
        path = folder / one["path"]
        if not path.stat().st_size:
            raise ValueError(f"{path} is empty")
        entries.append({**one, "bytes": path.stat().st_size, "sha256": sha256_of(path)})
    return {"format": FORMAT, "build": build or str(found), "contigs": contigs, "files": entries}


def file_problems(manifest: Manifest) -> Iterator[Problem]:
    """Files that are missing or not what the manifest says, byte by byte."""
    for number, entry in enumerate(manifest.files):
        path = manifest.path.parent / entry["path"]
        place = f"files[{number}]"
        if not path.is_file():
            yield Problem(str(manifest.path), place, f"{path} does not exist", AGAIN)
        elif path.stat().st_size != entry["bytes"]:
            found = f"{path} has {path.stat().st_size} bytes, {entry['bytes']} are declared"
            yield Problem(str(manifest.path), place, found, AGAIN)
        elif (digest := sha256_of(path)) != entry["sha256"]:
            yield Problem(
                str(manifest.path), place, f"{path} has SHA-256 {digest}, {entry['sha256']} is declared", AGAIN
            )


# Reference files of sections of the config: section, key, roles that they may have in the manifest. The panel of
# normals is not among them: the workflow makes it from a site's own samples.
OTHER_FILES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("somatic", "population_frequencies", ("known_sites", "other")),
    ("tumour", "driver_table", ("other",)),
    ("tumour", "signatures", ("other",)),
)


def config_problems(manifest: Manifest, config: Mapping[str, Any]) -> Iterator[Problem]:
    """Reference files of a config that the manifest does not declare, or declares as something else."""
    wanted: list[tuple[str, str, tuple[str, ...]]] = [
        (key, config[key], (key,)) for key in ("reference", "gene_model", "targets") if config.get(key)
    ]
    wanted += [
        (f"known_sites[{number}].path", one["path"], ("known_sites",))
        for number, one in enumerate(config.get("known_sites", ()))
    ]
    wanted += [
        (f"{section}: {key}", config[section][key], roles)
        for section, key, roles in OTHER_FILES
        if config.get(section, {}).get(key)
    ]
    for key, path, roles in wanted:
        entry = manifest.entry(path)
        if entry is None:
            found = f"{path} is not declared in {manifest.path}"
            yield Problem("config", f"key {key}", found, "declare it there, or give no manifest")
        elif entry["role"] not in roles:
            found = f"{path} is declared as {entry['role']} in {manifest.path}"
            yield Problem("config", f"key {key}", found, f"give the file whose role is {' or '.join(roles)}")
