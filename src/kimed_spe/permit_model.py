"""Permits: what a data holder and an access committee allow a project to do, and what a run asks for.

A permit is a JSON document (data/permit.schema.json) in a DSSE envelope. `load` reads one, `check` compares it with the
facts of a run and gives every reason to refuse. Nothing is allowed that the permit does not prove.
"""

import functools
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema

from kimed_spe import canonical
from kimed_spe.signing import Envelope, read_envelope

PAYLOAD_TYPE = "application/vnd.kimed.permit+json"
"""Media type inside the signed bytes, so that no other signed document can pass as a permit."""


UNSEEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
"""Categories of Unicode: controls, formats (also those that change the direction), private, surrogate, line ends."""


class PermitError(ValueError):
    """The file cannot be read as a permit at all."""


@dataclass(frozen=True)
class Refusal:
    """One reason why a run is not allowed.

    Attributes
    ----------
    field
        The field of the permit, e.g. `datasets[0].manifest`.
    expected
        What the permit says.
    found
        What the run has.
    ask
        Whom to ask, or what to do.
    """

    field: str
    expected: str
    found: str
    ask: str

    def __str__(self) -> str:
        return f"{self.field}: the permit says {self.expected}, found {self.found}\n      -> {self.ask}"


class PermitRefused(PermissionError):
    """A run is not allowed; holds every reason."""

    def __init__(self, permit: str, refusals: list[Refusal]) -> None:
        self.refusals = refusals
        lines = [f"  {number}. {refusal}" for number, refusal in enumerate(refusals, 1)]
        super().__init__("\n".join([f"Permit {permit} does not allow this run:", *lines]))


@dataclass(frozen=True)
class Permit:
    """A permit as read from its file; nothing in it is proven before `check`.

    Attributes
    ----------
    path
        Where it was read.
    envelope
        The signed bytes and their signatures.
    content
        The document; empty if the bytes are no JSON object.
    digest
        SHA-256 of the signed bytes: it names this version of the permit.
    """

    path: Path
    envelope: Envelope
    content: Mapping[str, Any]
    digest: str

    @property
    def identifier(self) -> str:
        """The permit's id, or its digest where the document has none."""
        return str(self.content.get("id", self.digest[:16]))


@dataclass(frozen=True)
class Context:
    """The facts of a run that a permit is compared with. Paths are absolute, or relative to `root`.

    Attributes
    ----------
    root
        Folder that relative paths of the permit (datasets, locks, protocol) start from: the working directory.
    user
        Login name of the account that runs (`current_user()`), not what the environment claims.
    snakefile
        The main workflow file.
    sources
        Other files that the workflow was read from: includes, modules, scripts, environment files, config files.
    inputs
        Files and folders that are read and not made by the run.
    outputs
        What the run will make, relative to `root`.
    locks
        Files that fix the software of the run.
    resources
        Largest request: `cores` (of the run), `jobs` (of the run), `mem_mb`, `runtime`, `disk_mb`, `gpus` (of a job).
    sandbox
        What encloses each job: `bubblewrap` or `none`.
    overrides
        Names of configuration keys that the command line sets.
    configs
        Names of the keys that each further config file sets.
    manifests
        Folder with manifests of datasets that were verified when the run began; with it only `inputs` are hashed,
        against these manifests. Without it datasets are hashed in full.
    project
        Project that the register belongs to, if it has entries.
    newest_known
        Time of the newest entry of the register.
    revocations_seen
        Number of the newest revocation list that the register knows.
    source_root
        Folder of the workflow's sources; None where it is still to be found.
    """

    root: Path
    user: str
    snakefile: Path
    sources: tuple[Path, ...] = ()
    inputs: tuple[Path, ...] = ()
    outputs: tuple[str, ...] = ()
    locks: tuple[Path, ...] = ()
    resources: Mapping[str, float] = field(default_factory=dict)
    sandbox: str = "bubblewrap"
    overrides: tuple[str, ...] = ()
    configs: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)
    manifests: Path | None = None
    project: str | None = None
    newest_known: datetime | None = None
    revocations_seen: int = 0
    source_root: Path | None = None


def load(path: Path) -> Permit:
    """Read a permit file.

    Raises
    ------
    PermitError
        The file is missing, or no DSSE envelope with a JSON object in it.
    """
    try:
        envelope = read_envelope(path)
        content = canonical.decode(envelope.payload)
    except (OSError, ValueError) as error:
        raise PermitError(f"{path}: no permit can be read here: {error}") from error
    if not isinstance(content, dict):
        raise PermitError(f"{path}: the signed document is no JSON object")
    return Permit(Path(path), envelope, content, canonical.sha256(envelope.payload))


@functools.cache
def schema() -> Any:
    """The published JSON Schema of permits."""
    return json.loads(resources.files("kimed_spe").joinpath("data/permit.schema.json").read_text(encoding="utf-8"))


def _unseen(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Texts with characters that are not seen, or turn the order around: who signs must see what is signed."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _unseen(inner, f"{where}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unseen(inner, f"{where}[{number}]")
    elif isinstance(value, str):
        hidden = sorted({f"U+{ord(letter):04X}" for letter in value if unicodedata.category(letter) in UNSEEN})
        if hidden:
            yield where, f"characters that cannot be seen: {', '.join(hidden)}"


@functools.lru_cache(maxsize=8)
def malformed(payload: bytes) -> tuple[tuple[str, str], ...]:
    """Fields of a document that do not match the schema, with what is wrong; jobs ask about the same one again.

    Parameters
    ----------
    payload
        The document as it is or will be signed.
    """
    content = canonical.decode(payload)
    errors = sorted(jsonschema.Draft202012Validator(schema()).iter_errors(content), key=lambda error: error.json_path)
    if errors:
        return tuple((error.json_path.removeprefix("$."), error.message) for error in errors)
    found = list(_unseen(content, ""))
    # Somebody else's letters that look like Latin ones would name another account than the office reads.
    names = ((number, user["id"]) for number, user in enumerate(content["users"]))
    found += [(f"users[{n}].id", f"{name!r}: only ASCII letters") for n, name in names if not name.isascii()]
    times = {name: content[name] for name in ("valid_from", "valid_to")}
    times["purpose.publishes_not_before"] = content["purpose"]["publishes_not_before"] or content["valid_from"]
    for name, text in times.items():
        try:
            canonical.moment(text)
        except ValueError as error:
            found.append((name, f"{text}: {error}"))
    return tuple(found)
