"""The register: an append-only log that shows every later change of it.

One line of canonical JSON per entry. Each entry holds the RFC 6962 leaf hash of the one before, so that editing,
deleting or reordering breaks the chain; signed checkpoints (size and Merkle root, kept elsewhere too) show truncation
and a rewritten history. `verify` re-hashes everything and trusts no stored hash.
"""

import fcntl
import io
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kimed_spe import canonical, merkle, site
from kimed_spe.signing import CryptoSigner, Envelope, seal, write_envelope

CHECKPOINT_TYPE = "application/vnd.kimed.register-checkpoint+json"
DEFAULT = Path(".spe/register")
START = merkle.root([]).hex()
"""What the first entry names as its predecessor: the root of the empty tree."""
SECRET_NAME = re.compile("password|passphrase|passwd|secret|token|private_key|credential", re.IGNORECASE)
TAIL = 1 << 16
"""Bytes first read from the end to find the last entry."""

# flock() excludes other processes; threads of this one also share the descriptor table.
_THREADS = threading.Lock()


class RegisterError(RuntimeError):
    """The register cannot take or give entries."""


@dataclass(frozen=True)
class Entry:
    """One line of the register.

    Attributes
    ----------
    index
        Place, from 0.
    time
        When it was written (RFC 3339, UTC).
    kind
        What happened, e.g. `permit.accepted`, `run.start`, `job`, `refusal`.
    content
        What is recorded.
    previous
        Leaf hash of the entry before, in hexadecimal.
    """

    index: int
    time: str
    kind: str
    content: Mapping[str, Any]
    previous: str

    def line(self) -> bytes:
        """The canonical bytes that are hashed."""
        return canonical.encode(
            {
                "content": self.content,
                "index": self.index,
                "kind": self.kind,
                "previous": self.previous,
                "time": self.time,
            }
        )

    @property
    def hash(self) -> str:
        """RFC 6962 leaf hash of the line."""
        return merkle.leaf(self.line()).hex()


def parse(line: bytes) -> Entry:
    """Read one line.

    Raises
    ------
    ValueError
        No entry, or not in canonical form (then its bytes could vary unseen).
    """
    data = canonical.decode(line)
    if not isinstance(data, dict) or set(data) != {"content", "index", "kind", "previous", "time"}:
        raise ValueError("not an entry of a register")
    entry = Entry(data["index"], data["time"], data["kind"], data["content"], data["previous"])
    if not (isinstance(entry.index, int) and isinstance(entry.content, dict)) or entry.line() != line:
        raise ValueError("not in canonical form")
    canonical.moment(entry.time)
    return entry


class Register:
    """A register in a folder: `log.jsonl` and `checkpoints/`.

    Parameters
    ----------
    path
        The folder; made by the first entry. Without it, what the site or KIMED_REGISTER says, or `.spe/register`.
    """

    def __init__(self, path: Path | None = None) -> None:
        # Without links on the way: what hides it from a run knows one name only.
        self.path = (path or site.place("register", DEFAULT)).resolve()
        self.log = self.path / "log.jsonl"
        self._seen: dict[str, tuple[int, list[Entry]]] = {}
        # The last line that was read or written here, and what it says.
        self._known: tuple[bytes, Entry] | None = None

    def append(self, kind: str, content: Mapping[str, Any]) -> Entry:
        """Add an entry; it is on the disk when this returns.

        Raises
        ------
        RegisterError
            The content names a secret, or the log is damaged at its end.
        """
        _refuse_secrets(content, kind)
        with self._locked() as descriptor:
            self._mend(descriptor)
            last = self._last(descriptor)
            return self._write(descriptor, last, kind, content)

    def entries(self) -> Iterator[Entry]:
        """All entries in order.

        Raises
        ------
        RegisterError
            A line is no entry.
        """
        for number, line in enumerate(self.lines(), 1):
            try:
                yield parse(line)
            except ValueError as error:
                raise RegisterError(f"{self.log}: line {number}: {error}") from error

    def of_kind(self, kind: str) -> list[Entry]:
        """Entries of one kind; a second call reads only what was added since, because every job asks.

        Raises
        ------
        RegisterError
            A line of this kind is no entry.
        """
        start, found = self._seen.get(kind, (0, []))
        if not self.log.exists() or self.log.stat().st_size < start:
            start, found = 0, []
        marker = canonical.encode({"kind": kind})[1:-1]
        with self.log.open("rb") if self.log.exists() else io.BytesIO() as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                start += len(line)
                if marker in line:
                    found = [*found, *self._parsed(line, kind)]
        self._seen[kind] = (start, found)
        return found

    def _parsed(self, line: bytes, kind: str) -> list[Entry]:
        try:
            entry = parse(line.removesuffix(b"\n"))
        except ValueError as error:
            raise RegisterError(f"{self.log}: an entry is damaged ({error}); run `spe audit verify`") from error
        return [entry] if entry.kind == kind else []

    def lines(self) -> Iterator[bytes]:
        """The raw lines, without their ends; none if nothing was ever recorded."""
        if self.log.exists():
            with self.log.open("rb") as file:
                for line in file:
                    yield line.removesuffix(b"\n")

    def complete(self) -> bool:
        """Whether the last line is complete, as it is unless a writer was cut off."""
        if not self.log.exists() or not self.log.stat().st_size:
            return True
        with self.log.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def newest(self) -> Entry | None:
        """The last entry, found without reading the others."""
        if not self.log.exists():
            return None
        with self._locked() as descriptor:
            self._mend(descriptor)
            return self._last(descriptor)

    def checkpoint(self, signer: CryptoSigner) -> tuple[Path, Envelope]:
        """Sign the present size and root, and keep it in `checkpoints/`; copy that file to somebody else.

        Raises
        ------
        RegisterError
            There is no entry yet, or a line is no entry.
        """
        frontier, first, last = merkle.Frontier(), None, None
        for last in self.entries():
            first = first or last
            frontier.add(bytes.fromhex(last.hash))
        if first is None or last is None:
            raise RegisterError(f"{self.path} has no entries to sign")
        content = {
            "register": first.hash,
            "root": frontier.root().hex(),
            "size": frontier.size,
            "time": canonical.timestamp(datetime.now(UTC)),
        }
        envelope = seal(content, CHECKPOINT_TYPE, signer)
        folder = self.path / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{frontier.size:09d}.json"
        write_envelope(envelope, path)
        return path, envelope

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the log alone, among threads and processes."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o750)
        with _THREADS:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.log, flags, 0o640)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield descriptor
            finally:
                os.close(descriptor)

    def _last(self, descriptor: int) -> Entry | None:
        size = os.fstat(descriptor).st_size
        if size == 0:
            return None
        tail = TAIL
        while True:
            start = max(0, size - tail)
            line = os.pread(descriptor, size - start, start)[:-1].rpartition(b"\n")
            if line[1] or start == 0:
                break
            tail *= 4
        if self._known is None or self._known[0] != line[2]:
            try:
                self._known = (line[2], parse(line[2]))
            except ValueError as error:
                text = f"{self.log}: the last line is damaged ({error}); run `spe audit verify`"
                raise RegisterError(text) from error
        return self._known[1]

    def _mend(self, descriptor: int) -> None:
        """Cut off a line that a crash left half-written, and record that this was done."""
        size = os.fstat(descriptor).st_size
        if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
            return
        data = os.pread(descriptor, size, 0)
        torn = data.rpartition(b"\n")[2]
        os.ftruncate(descriptor, size - len(torn))
        content = {"bytes": len(torn), "sha256": canonical.sha256(torn)}
        self._write(descriptor, self._last(descriptor), "register.recovered", content)

    def _write(self, descriptor: int, last: Entry | None, kind: str, content: Mapping[str, Any]) -> Entry:
        index, previous = (last.index + 1, last.hash) if last else (0, START)
        entry = Entry(index, canonical.timestamp(datetime.now(UTC)), kind, dict(content), previous)
        data = entry.line() + b"\n"
        if os.write(descriptor, data) != len(data):
            raise RegisterError(f"{self.log}: the entry was not written completely (disk full?)")
        os.fsync(descriptor)
        self._known = (data[:-1], entry)
        return entry


def _refuse_secrets(value: Any, where: str) -> None:
    """Raise if a value looks like a secret: the register is read by many and never forgets."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if SECRET_NAME.search(str(name)):
                raise RegisterError(f"{where}.{name}: secrets do not belong into a register")
            _refuse_secrets(inner, f"{where}.{name}")
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            _refuse_secrets(inner, f"{where}[{number}]")
    elif isinstance(value, str) and "PRIVATE KEY-----" in value:
        raise RegisterError(f"{where}: a private key does not belong into a register")
