"""The last look at a crate before it is given a name: what must not be in it, is it?"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kimed_spe import register, scan
from kimed_spe.crate_record import Run

ABSOLUTE = re.compile(r"(?<![\w:/.#~-])/(?:[\w.+@-]+/)+[\w.+@-]*")
"""An absolute path of two parts or more; the part of an address behind its host is none."""
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S*")
SECRET = re.compile(
    r"PRIVATE KEY-----|AGE-SECRET-KEY-|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bxox[abprs]-[0-9A-Za-z-]{10,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
)
COMMON = {"root", "any", "user", "admin", "test", "data", "host", "node", "local", "localhost", "snakemake"}
"""Names of accounts and machines that are words of the metadata as well."""
SHORTEST = 4


def leaks(folder: Path, graph: Iterable[Mapping[str, Any]], run: Run, identifiers: Path | None) -> list[str]:
    """What a crate would give away, each with its place.

    Parameters
    ----------
    folder
        The payload.
    graph
        Its metadata: no absolute path, account, machine name or secret may be in it.
    identifiers
        List of original identifiers (a linkage file) to search all of the payload for.
    """
    names = _names(run)
    found = [f"metadata of {place}: {what}" for entity in graph for place, what in _entity(entity, names)]
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "ro-crate-metadata.json"):
        text = path.read_text(encoding="utf-8", errors="replace")
        if SECRET.search(text):
            found.append(f"{path.relative_to(folder)}: holds what looks like a secret")
    if identifiers is not None:
        found += [str(hit) for hit in scan.scan([folder], scan.read_identifiers(identifiers))]
    return found


def _names(run: Run) -> set[str]:
    """Accounts, persons and machines of the run, but for names that are everyday words."""
    told = [run.start.content.get("user", ""), run.start.content.get("node", ""), run.accepted.content.get("user", "")]
    told += [user[key] for user in run.permit.content["users"] for key in ("id", "name")]
    if run.permit.content.get("demonstration"):
        told = told[:3]
    return {str(name) for name in told if len(str(name)) >= SHORTEST and str(name).lower() not in COMMON}


def _entity(entity: Mapping[str, Any], names: set[str]) -> Iterator[tuple[str, str]]:
    place = str(entity.get("@id"))
    for key, text in _texts(entity):
        bare = ADDRESS.sub("", text)
        if ABSOLUTE.search(bare):
            yield place, f"{key} holds an absolute path"
        if SECRET.search(text) or register.SECRET_NAME.search(key):
            yield place, f"{key} holds what looks like a secret"
        if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", bare) for name in names):
            yield place, f"{key} names an account, a person or a machine"


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)
