"""What the enclosed part of a run may ask of the part outside: to check a job against the permit, and to record it.

Snakemake executes the workflow's own Python while it parses it, so nothing inside the enclosure is trusted with the
register or the permit. The supervisor outside holds both and answers, over a Unix socket that only the enclosure sees,
one JSON request per line; each thread of the enclosed side keeps a connection. What it writes it stamps itself; only
`job` and `refusal` entries can be asked for.
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kimed_spe import gate
from kimed_spe.permit_model import Context, PermitRefused
from kimed_spe.register import Register

ADDRESS = "KIMED_ENCLOSURE"
"""Variable that names the socket; set inside the enclosure only."""
KINDS = ("job", "refusal")
LARGEST = 64 << 20
"""Bytes of one request; a job with 100,000 inputs needs about 15 MB."""


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
    """

    root: Path
    snakefile: Path
    manifests: Path | None
    permit_path: Path
    trust_path: Path
    register: Register
    sandbox: str = "bubblewrap"
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    products: set[Path] = field(default_factory=set)

    def context(self, facts: Mapping[str, Any] | None = None) -> Context:
        """The facts in the gate's form; what the run makes, or this request adds to that, is no input."""
        facts = facts or {}
        made = self.products | self._added(facts)
        return Context(
            root=self.root,
            user=gate.current_user(),
            snakefile=self.snakefile,
            sources=tuple(Path(name) for name in facts.get("sources", ())),
            inputs=tuple(path for path in map(Path, facts.get("inputs", ())) if not _made(path, made)),
            outputs=tuple(str(name) for name in facts.get("outputs", ())),
            resources={str(name): float(value) for name, value in facts.get("resources", {}).items()},
            overrides=tuple(str(name) for name in facts.get("overrides", ())),
            sandbox=self.sandbox,
            manifests=self.manifests,
        )

    def _added(self, facts: Mapping[str, Any]) -> set[Path]:
        return {self.root / name for name in facts.get("outputs", ())}

    def check(self, facts: Mapping[str, Any]) -> None:
        """Compare facts of a run or job with the permit.

        Raises
        ------
        LinkError
            With the reasons; the refusal is recorded.
        """
        try:
            gate.enforce(self.context(facts), self.permit_path, self.trust_path, self.register, record_acceptance=False)
        except PermitRefused as refused:
            raise LinkError(str(refused)) from refused
        self.products |= self._added(facts)

    def record(self, kind: str, content: Mapping[str, Any]) -> None:
        """Write an entry that the enclosed side may ask for.

        Raises
        ------
        LinkError
            It may not, or the register does not take it.
        """
        if kind not in KINDS:
            raise LinkError(f"entries of kind '{kind}' are not written on request")
        try:
            self.register.append(kind, {**content, "node": os.uname().nodename, "run": self.run})
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise LinkError(f"the register takes no entry: {error}") from error


def _made(path: Path, products: set[Path]) -> bool:
    """Whether the run makes it; of a directory() output, single files may be inputs, as after checkpoints."""
    return path in products or not products.isdisjoint(path.parents)


class Broker:
    """Answers requests on a socket until closed; each connection in a thread."""

    def __init__(self, desk: Desk, address: Path) -> None:
        self.desk = desk
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(address))
        address.chmod(0o600)
        self.socket.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more requests."""
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream, suppress(OSError):
            while line := stream.readline(LARGEST):
                stream.write(json.dumps(self._one(line)).encode() + b"\n")
                stream.flush()
                if not line.endswith(b"\n"):
                    return

    def _one(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
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
    """The enclosed side's way to the supervisor."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.own = threading.local()

    def check(self, facts: Mapping[str, Any]) -> None:
        """See `Link`."""
        self._ask({"ask": "check", "facts": dict(facts)})

    def record(self, kind: str, content: Mapping[str, Any]) -> None:
        """See `Link`."""
        self._ask({"ask": "record", "kind": kind, "content": dict(content)})

    def _ask(self, request: Mapping[str, Any]) -> None:
        try:
            stream = self._stream()
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            answer = json.loads(stream.readline())
        except (OSError, ValueError) as error:
            # Whatever is left in a broken connection must not answer the next question.
            self.own.stream = None
            raise LinkError(f"the supervisor of this run does not answer: {error}") from error
        if not answer["done"]:
            raise LinkError(answer["reason"])

    def _stream(self) -> Any:
        """The connection of this thread."""
        if getattr(self.own, "stream", None) is None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(self.address)
                self.own.stream = connection.makefile("rwb")
        return self.own.stream


def connect() -> Link | None:
    """The link of this process, or None outside of any enclosure."""
    address = os.environ.get(ADDRESS)
    return SocketLink(address) if address else None
