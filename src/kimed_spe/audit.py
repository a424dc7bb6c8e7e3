"""Verify a register: re-hash every entry, compare with signed checkpoints, re-hash recorded files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kimed_spe import canonical, merkle, trees
from kimed_spe.register import CHECKPOINT_TYPE, START, Entry, Register, parse
from kimed_spe.signing import read_envelope
from kimed_spe.trust import TrustStore

STAMP = ".snakemake_timestamp"
CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far entries of several machines may disagree about the time."""


@dataclass(frozen=True)
class Finding:
    """One sign that the register, or a file it speaks of, was changed.

    Attributes
    ----------
    place
        The line of the log, the checkpoint, or the file.
    what
        What is wrong.
    """

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True)
class Log:
    """What could be read of a register.

    Attributes
    ----------
    entries
        Those that could be parsed.
    leaves
        Leaf hashes of all lines as they are, parsed or not.
    findings
        What is wrong with the lines themselves.
    """

    entries: list[Entry]
    leaves: list[bytes]
    findings: list[Finding]


def read(register: Register) -> Log:
    """Read a log and check form, numbering, chain and time; nothing but the lines themselves is trusted."""
    log = Log([], [], [])
    previous, newest = START, None
    if not register.complete():
        log.findings.append(Finding("end of the log", "the last line is not complete"))
    for index, line in enumerate(register.lines()):
        place = f"line {index + 1}"
        leaf = merkle.leaf(line)
        log.leaves.append(leaf)
        try:
            entry = parse(line)
        except ValueError as error:
            log.findings.append(Finding(place, f"edited: {error}"))
            previous = leaf.hex()
            continue
        log.entries.append(entry)
        if entry.index != index:
            what = f"carries number {entry.index}, expected {index}: entries were deleted, added or reordered"
            log.findings.append(Finding(place, what))
        if entry.previous != previous:
            log.findings.append(Finding(place, "does not continue the entry before: that one was changed or replaced"))
        now = canonical.moment(entry.time)
        if newest and now + CLOCK_TOLERANCE < newest:
            log.findings.append(Finding(place, f"is older ({entry.time}) than an entry before it"))
        newest = max(newest or now, now)
        previous = leaf.hex()
    return log


def verify(register: Register, trust: TrustStore | None, anchors: Iterable[Path] = ()) -> list[Finding]:
    """Everything that is wrong with a register.

    Parameters
    ----------
    trust
        Whose checkpoint signatures count; without it a checkpoint cannot be proven and is reported.
    anchors
        Checkpoints kept elsewhere: they show truncation and rewriting even if the register's own were removed.
    """
    log = read(register)
    own = sorted((register.path / "checkpoints").glob("*.json"))
    findings = list(log.findings)
    for path in (*own, *anchors):
        wrong = _checkpoint(path, log.leaves, trust)
        if wrong:
            findings.append(Finding(f"checkpoint {path}", wrong))
    return findings


def _checkpoint(path: Path, leaves: list[bytes], trust: TrustStore | None) -> str | None:
    """What a checkpoint shows to be wrong."""
    try:
        signed = _signed(path, trust)
    except ValueError as error:
        return str(error)
    if not leaves or leaves[0].hex() != signed.register:
        return "belongs to another register: this one was started anew"
    if signed.size > len(leaves):
        return f"has {signed.size} entries, the log only {len(leaves)}: entries at the end were removed"
    if merkle.root(leaves[: signed.size]).hex() != signed.root:
        return f"the first {signed.size} entries are not those that were signed: the history was rewritten"
    return None


@dataclass(frozen=True)
class _Signed:
    """What a proven checkpoint says."""

    size: int
    root: str
    register: str


def _signed(path: Path, trust: TrustStore | None) -> _Signed:
    """Read a checkpoint and prove its signature; ValueError says why that fails."""
    try:
        envelope = read_envelope(path)
        content = canonical.decode(envelope.payload)
        signed = _Signed(int(content["size"]), str(content["root"]), str(content["register"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"cannot be read ({error})") from error
    if envelope.payload_type != CHECKPOINT_TYPE:
        raise ValueError(f"is a signed document of another type ({envelope.payload_type})")
    if trust is None:
        raise ValueError("its signature cannot be checked without a trust store")
    if len(trust.signers(envelope, trust.register)) < trust.register.threshold:
        raise ValueError("is not signed by the key of the register: forged, or the key was revoked")
    return signed


def changed_files(entries: Iterable[Entry], root: Path) -> list[Finding]:
    """Outputs whose content is not what the newest job says that made them; those that are gone are no finding."""
    recorded: dict[str, str] = {}
    for entry in entries:
        outputs = entry.content.get("outputs")
        if entry.kind == "job" and isinstance(outputs, Mapping):
            described = ((name, output) for name, output in outputs.items() if isinstance(output, Mapping))
            recorded.update({name: str(output.get("sha256")) for name, output in described})
    findings = []
    for name, digest in sorted(recorded.items()):
        if not (root / name).exists():
            continue
        try:
            found = digests(root / name)
        except trees.TreeProblem as problem:
            findings.append(Finding(name, f"cannot be read: {problem}"))
            continue
        if digest not in found:
            findings.append(Finding(name, f"was changed after its job (sha256 {digest[:16]}…, now {found[0][:16]}…)"))
    return findings


def digests(path: Path) -> list[str]:
    """SHA-256 of a file, or of a folder's manifest with and without the stamp that Snakemake puts into folders."""
    manifest = trees.dataset(path)
    if not path.is_dir():
        return list(manifest.files.values())
    unstamped = {name: value for name, value in manifest.files.items() if name != STAMP}
    return [manifest.digest, trees.Manifest(unstamped).digest]


def proof(register: Register, index: int) -> dict[str, Any]:
    """One entry with the audit path that proves it to somebody who has only a checkpoint of the present size.

    Raises
    ------
    IndexError
        There is no such entry.
    """
    lines = list(register.lines())
    leaves = [merkle.leaf(line) for line in lines]
    path = merkle.inclusion(leaves, index)
    return {
        "entry": lines[index].decode(),
        "index": index,
        "path": [item.hex() for item in path],
        "register": leaves[0].hex(),
        "root": merkle.root(leaves).hex(),
        "size": len(leaves),
    }


def verify_proof(document: Mapping[str, Any], checkpoint: Path, trust: TrustStore) -> str | None:
    """Why an exported entry is not proven by a signed checkpoint; nothing if it is."""
    try:
        signed = _signed(checkpoint, trust)
        leaf = merkle.leaf(str(document["entry"]).encode())
        path = [bytes.fromhex(item) for item in document["path"]]
        size = int(document["size"])
        root = merkle.root_from_inclusion(leaf, int(document["index"]), size, path).hex()
        found = _Signed(size, root, str(document["register"]))
    except (ValueError, KeyError, TypeError) as error:
        return f"not proven: {error}"
    return None if found == signed else "the entry is not in the tree that was signed"


def after(entries: Iterable[Entry], moment: datetime | None, kind: str | None) -> list[Entry]:
    """Entries from a moment on, of one kind (`permit` takes `permit.accepted` too)."""
    return [
        entry
        for entry in entries
        if (moment is None or canonical.moment(entry.time) >= moment)
        and (kind is None or entry.kind == kind or entry.kind.startswith(f"{kind}."))
    ]
