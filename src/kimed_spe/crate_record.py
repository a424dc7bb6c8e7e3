"""What the register knows of one run, as a crate tells it: its permit, its jobs, and the earlier jobs they build on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kimed_spe import canonical
from kimed_spe.permit_model import Permit, PermitError
from kimed_spe.permit_model import load as load_permit
from kimed_spe.register import Entry, Register, RegisterError


class CrateError(ValueError):
    """A crate cannot be made, or cannot be relied on; names the file or field, and why."""


@dataclass(frozen=True)
class Content:
    """One file or folder that a job read or made.

    Attributes
    ----------
    path
        As recorded: relative to the working directory, absolute if outside.
    sha256, size
        Digest (of a folder: of its manifest) and bytes.
    """

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Job:
    """One attempt at a job.

    Attributes
    ----------
    number, leaf
        Place of its entry in the register, and that entry's RFC 6962 leaf hash.
    ended
        When the entry was written; the start is that less the recorded seconds.
    inputs, outputs
        Logs are among the outputs.
    """

    number: int
    leaf: str
    run: str
    rule: str
    wildcards: Mapping[str, str]
    parameters: Mapping[str, str]
    attempt: int
    started: datetime
    ended: datetime
    exit_code: int
    failed: bool
    software: str
    used: Mapping[str, int]
    seconds: float
    inputs: tuple[Content, ...]
    outputs: tuple[Content, ...]


@dataclass(frozen=True)
class Run:
    """One run and what it builds on.

    Attributes
    ----------
    identifier
        Name of the run in the register.
    accepted
        The gate's decision.
    start, stop
        Entries; no `stop` where the run was cut off.
    jobs
        All that a crate tells, oldest first: those of the run, and those of earlier runs of the same register that made
        what they read, as proven by equal digests.
    permit
        The permit that was accepted.
    """

    identifier: str
    accepted: Entry
    start: Entry
    stop: Entry | None
    jobs: tuple[Job, ...]
    permit: Permit

    @property
    def complete(self) -> bool:
        """Whether the run came to its end without a failed job."""
        return self.stop is not None and self.stop.content.get("exit_code") == 0

    @property
    def started(self) -> datetime:
        """Begin of the first job or of the run."""
        return min([canonical.moment(self.start.time), *(job.started for job in self.jobs)])

    @property
    def ended(self) -> datetime:
        """End of the run, or of what is known of it."""
        return max([canonical.moment((self.stop or self.start).time), *(job.ended for job in self.jobs)])


def read_run(register: Register, identifier: str | None = None, permit: Path | None = None) -> Run:
    """Read a run.

    Parameters
    ----------
    identifier
        The run; without it the last one that ran a job.
    permit
        Where its permit is now, if not where it was.

    Raises
    ------
    CrateError
        There is no such run, it ran nothing, or its permit is not the accepted one any more.
    """
    try:
        entries = list(register.entries())
    except RegisterError as error:
        raise CrateError(str(error)) from error
    jobs = [_job(entry) for entry in entries if entry.kind == "job"]
    if identifier is None:
        if not jobs:
            raise CrateError(f"{register.path}: no job was ever recorded, so there is nothing to tell of")
        identifier = jobs[-1].run
    start = _only(entries, "run.start", identifier)
    if start is None:
        raise CrateError(f"{register.path}: there is no run {identifier!r}; `spe audit show --kind run` lists them")
    own = [job for job in jobs if job.run == identifier]
    if not own:
        raise CrateError(f"run {identifier} ran no job: everything was made before; name the run that made it (--run)")
    accepted = [entry for entry in entries[: start.index] if entry.kind == "permit.accepted"]
    if not accepted:
        raise CrateError(f"{register.path}: no permit was accepted before run {identifier}")
    return Run(
        identifier, accepted[-1], start, _only(entries, "run.stop", identifier),
        tuple(_with_producers(own, jobs)), _permit(permit or Path(str(start.content["permit"])), accepted[-1]),
    )  # fmt: skip


def _only(entries: Iterable[Entry], kind: str, run: str) -> Entry | None:
    return next((entry for entry in entries if entry.kind == kind and entry.content.get("run") == run), None)


def _permit(path: Path, accepted: Entry) -> Permit:
    try:
        permit = load_permit(path)
    except PermitError as error:
        raise CrateError(f"the permit of the run cannot be read: {error}; name it with --permit") from error
    if permit.digest != accepted.content["permit_sha256"]:
        raise CrateError(
            f"{path} is not the permit of the run (SHA-256 {permit.digest[:16]}…, the register has "
            f"{str(accepted.content['permit_sha256'])[:16]}…): name that version with --permit"
        )
    return permit


def _job(entry: Entry) -> Job:
    content = entry.content
    ended = canonical.moment(entry.time)
    seconds = float(content.get("seconds", 0))
    return Job(
        number=entry.index, leaf=entry.hash, run=str(content.get("run", "")), rule=str(content["rule"]),
        wildcards=content.get("wildcards", {}), parameters=content.get("parameters", {}),
        attempt=int(content.get("attempt", 1)), started=ended - timedelta(seconds=seconds), ended=ended,
        exit_code=int(content["exit_code"]), failed=bool(content["exit_code"] or content.get("error")),
        software=str(content.get("software", "host")), used=content.get("used", {}), seconds=seconds,
        inputs=_contents(content["inputs"]), outputs=_contents(content["outputs"]),
    )  # fmt: skip


def _contents(recorded: Mapping[str, Mapping[str, Any]]) -> tuple[Content, ...]:
    return tuple(Content(path, str(item["sha256"]), int(item["size"])) for path, item in sorted(recorded.items()))


def _with_producers(own: list[Job], jobs: list[Job]) -> list[Job]:
    """Add, of earlier runs, the newest job that made each input with the digest it had when it was read."""
    makers: dict[tuple[str, str], Job] = {}
    for job in jobs:
        if not job.failed:
            makers.update({(made.path, made.sha256): job for made in job.outputs})
    told = {job.number: job for job in own}
    waiting = list(own)
    while waiting:
        for read in waiting.pop().inputs:
            maker = makers.get((read.path, read.sha256))
            if maker and maker.number not in told:
                told[maker.number] = maker
                waiting.append(maker)
    return [told[number] for number in sorted(told)]
