"""What the enclosed part of a run may ask of the part outside: to check a job against the permit, and to record it.

Snakemake executes the workflow's own Python while it parses it, so nothing inside the enclosure is trusted with the
register or the permit. The supervisor outside holds both and answers, over a Unix socket that only the enclosure sees,
one line of JSON per request and answer. What it writes it stamps itself; only `job` and `refusal` entries can be asked
for.
"""

import json
import os
import socket
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from kimed_spe import canonical, gate, trees
from kimed_spe.door import Door
from kimed_spe.permit_model import Context, PermitRefused
from kimed_spe.register import Register

ADDRESS = "KIMED_ENCLOSURE"
"""Variable that names the socket; set inside the enclosure only."""
SOCKET = Path("/run/kimed/socket")
"""Where it is inside; the variable counts only if it says so, since only root could make that place outside."""
KINDS = ("job", "refusal")
LARGEST = 64 << 20
"""Bytes of one request; a job with 100,000 inputs needs about 15 MB."""
ENTRIES, ENTRIES_PER_JOB = 1000, 20
"""Entries that one run may ask for: some, and for each job that it was admitted with (attempts, refusals)."""
BYTES, BYTES_PER_JOB = 1 << 30, 1 << 20
"""Bytes of all of them."""
AT_ONCE = 16
"""Connections that are served at the same time."""
IDLE_SECONDS, KEPT = 2.0, 2
"""How long a connection may be silent between requests, and how many a process keeps for the next jobs: to connect
costs more than to answer."""


class LinkError(RuntimeError):
    """The supervisor refuses or is not there."""


class Link(Protocol):
    """How the executor reaches permit and register."""

    def check(self, facts: Mapping[str, Any]) -> None:
        """Compare facts of a run or job with the permit; raises LinkError with the reasons."""

    def record(self, kind: str, content: Mapping[str, Any]) -> None:
        """Write an entry."""


@dataclass
class Desk:
    """The side that holds permit and register.

    Attributes
    ----------
    root, snakefile
        Of the run; the enclosed side cannot choose them.
    manifests
        Folder of the data sets' manifests that were verified when the run began.
    permit_path, trust_path, register
        As `gate.enforce` takes them.
    sandbox
        `bubblewrap` or `none`.
    run
        Name of the run; it joins the entries of its jobs.
    products
        What the run makes: files that jobs may read besides those of the permit. Jobs that are processes of their own
        do not know what others make.
    jobs, admitted
        How many jobs the run was admitted with, and whether it was.
    written
        Entries and bytes that the enclosed side has asked to write: a bound on filling the register.
    """

    root: Path
    snakefile: Path
    manifests: Path | None
    permit_path: Path
    trust_path: Path
    register: Register
    sandbox: str = "bubblewrap"
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    products: set[str] = field(default_factory=set)
    jobs: int = 0
    admitted: bool = False
    written: list[int] = field(default_factory=lambda: [0, 0])

    def context(self, facts: Mapping[str, Any] | None = None) -> Context:
        """The facts in the gate's form; what the run makes, or this request adds to that, is no input."""
        facts = facts or {}
        # Not their union: it would be made anew, of everything that the run makes, for every job.
        made = (self.products, self._added(facts))
        read = map(Path, facts.get("inputs", ()))
        return Context(
            root=self.root,
            user=gate.current_user(),
            snakefile=self.snakefile,
            sources=tuple(Path(name) for name in facts.get("sources", ())),
            inputs=tuple(path for path in read if not any(_made(path, products) for products in made)),
            outputs=tuple(str(name) for name in facts.get("outputs", ())),
            resources={str(name): float(value) for name, value in facts.get("resources", {}).items()},
            overrides=tuple(str(name) for name in facts.get("overrides", ())),
            configs={Path(name): tuple(map(str, keys)) for name, keys in facts.get("configs", {}).items()},
            sandbox=self.sandbox,
            manifests=self.manifests,
            source_root=self.source_root,
        )

    @cached_property
    def source_root(self) -> Path:
        """Folder of the workflow's sources, as it was when the run began."""
        return trees.source_root(self.root / self.snakefile)

    def _added(self, facts: Mapping[str, Any]) -> set[str]:
        return {str(self.root / name) for name in facts.get("outputs", ())}

    def check(self, facts: Mapping[str, Any]) -> None:
        """Compare facts of a run or job with the permit.

        Raises
        ------
        LinkError
            With the reasons; the refusal is recorded.
        """
        resources = facts.get("resources", {})
        if not self.admitted and "cores" not in resources:
            # A process for single jobs (`--mode subprocess`) states none; it is never the first.
            raise LinkError("the first request of a run states its resources")
        # A refusal is an entry.
        self._spend(1, 0)
        try:
            gate.enforce(self.context(facts), self.permit_path, self.trust_path, self.register, record_acceptance=False)
        except PermitRefused as refused:
            raise LinkError(str(refused)) from refused
        self._spend(-1, 0)
        self.products |= self._added(facts)
        self.jobs = max(self.jobs, int(resources.get("jobs", 0)))
        self.admitted = True

    def record(self, kind: str, content: Mapping[str, Any]) -> None:
        """Write an entry that the enclosed side may ask for.

        Raises
        ------
        LinkError
            It may not, or the register does not take it.
        """
        if kind not in KINDS:
            raise LinkError(f"entries of kind '{kind}' are not written on request")
        self._spend(1, len(json.dumps(content, default=str)))
        try:
            self.register.append(kind, {**content, "node": os.uname().nodename, "run": self.run})
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise LinkError(f"the register takes no entry: {error}") from error

    def _spend(self, entries: int, size: int) -> None:
        """Count what is written on request; raise if that is more than such a run needs."""
        count, total = self.written[0] + entries, self.written[1] + size
        if count > ENTRIES + ENTRIES_PER_JOB * self.jobs or total > BYTES + BYTES_PER_JOB * self.jobs:
            raise LinkError(f"a run of {self.jobs} jobs writes no more than {self.written[0]} entries")
        self.written[:] = count, total


def _made(path: Path, products: set[str]) -> bool:
    """Whether the run makes it; of a directory() output, single files may be inputs, as after checkpoints."""
    return str(path) in products or not products.isdisjoint(map(str, path.parents))


class Broker:
    """Answers requests on a socket until closed; each connection in a thread, its requests one after another."""

    def __init__(self, desk: Desk, address: Path) -> None:
        self.desk = desk
        self.door = Door(address, self._answer, AT_ONCE)

    def close(self) -> None:
        """Take no more requests."""
        self.door.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rwb") as stream:
            while line := stream.readline(LARGEST):
                stream.write(json.dumps(self._decide(line)).encode() + b"\n")
                stream.flush()
                if not line.endswith(b"\n"):
                    return
                connection.settimeout(IDLE_SECONDS)

    def _decide(self, line: bytes) -> dict[str, Any]:
        try:
            request = canonical.decode(line)
            if request["ask"] == "check":
                self.desk.check(request["facts"])
            elif request["ask"] == "record":
                self.desk.record(request["kind"], request["content"])
            else:
                raise LinkError(f"unknown request {request['ask']!r}")
        except (LinkError, ValueError, KeyError, TypeError, AttributeError) as error:
            return {"done": False, "reason": str(error)}
        return {"done": True}


class SocketLink:
    """The enclosed side's way to the supervisor; threads may share it."""

    def __init__(self, address: str) -> None:
        self.address = address
        # Idle connections with the time of their last answer; append and pop are atomic.
        self.kept: list[tuple[float, socket.socket]] = []
        # Two processes on one connection would read each other's answers.
        os.register_at_fork(after_in_child=self.kept.clear)

    def check(self, facts: Mapping[str, Any]) -> None:
        """See `Link`."""
        self._ask({"ask": "check", "facts": dict(facts)})

    def record(self, kind: str, content: Mapping[str, Any]) -> None:
        """See `Link`."""
        self._ask({"ask": "record", "kind": kind, "content": dict(content)})

    def _ask(self, request: Mapping[str, Any]) -> None:
        data = json.dumps(request).encode() + b"\n"
        connection = None
        try:
            connection = self._connection()
            connection.sendall(data)
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.readline())
        except (OSError, ValueError) as error:
            if connection:
                connection.close()
            # Never asked twice: the first may have been answered, and an entry written.
            raise LinkError(f"the supervisor of this run does not answer: {error}") from error
        if len(self.kept) < KEPT:
            self.kept.append((time.monotonic(), connection))
        else:
            connection.close()
        if not answer["done"]:
            raise LinkError(answer["reason"])

    def _connection(self) -> socket.socket:
        """A kept connection that the other side has surely not closed yet, or a new one."""
        with suppress(IndexError):
            while True:
                last, connection = self.kept.pop()
                if time.monotonic() - last < IDLE_SECONDS / 2:
                    return connection
                connection.close()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self.address)
        except OSError:
            connection.close()
            raise
        return connection


def connect() -> Link | None:
    """The link of this process, or None outside of any enclosure."""
    inside = os.environ.get(ADDRESS) == str(SOCKET) and SOCKET.is_socket()
    return SocketLink(str(SOCKET)) if inside else None
