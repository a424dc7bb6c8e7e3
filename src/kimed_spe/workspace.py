"""A fresh working directory: the signed workflow and its data, copied and compared with their digests, and a run there.

Nothing of an earlier run is in it: no results, no records of Snakemake, no files that nobody signed.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kimed_spe import canonical, merkle, site, trees
from kimed_spe.permit_model import Permit, load
from kimed_spe.register import Entry, Register

PERMIT = "permit.json"
WORK = "work"
LOG = "run.log"
RESULTS = "results"
# What a rule does not ask for, as in profiles/spe.
DEFAULT_RESOURCES = ("mem_mb=1000", "runtime=30", "disk_mb=50000")
_PROGRESS = re.compile(r"^\d+ of \d+ steps")


class WorkspaceError(RuntimeError):
    """The fresh working directory cannot be made as it was signed; nothing was run."""


@dataclass(frozen=True)
class Workspace:
    """A working directory that nobody has used.

    Attributes
    ----------
    base
        Folder that holds the working directory, the permit and the log of the run.
    work
        The working directory itself.
    snakefile
        The main workflow file, relative to `work`.
    permit
        The permit, as copied.
    """

    base: Path
    work: Path
    snakefile: Path
    permit: Permit

    @property
    def results(self) -> Path:
        """Root folder of the results."""
        return self.work / RESULTS


@dataclass(frozen=True)
class Run:
    """What became of a run.

    Attributes
    ----------
    exit_code
        Of Snakemake; 0 if everything was made.
    started, finished
        RFC 3339.
    entries
        What the register holds of it: `run.start`, its jobs, `run.stop`.
    position
        Size and Merkle root of the register when the run had ended, and the hash of its first entry.
    software, cores
        As asked for.
    fresh
        Whether it began in a fresh working directory.
    """

    exit_code: int
    started: str
    finished: str
    entries: tuple[Entry, ...]
    position: Mapping[str, Any]
    software: str
    cores: int
    fresh: bool = True

    @property
    def complete(self) -> bool:
        """Whether it ended well, by Snakemake's word and the register's."""
        last = self.entries[-1]
        return self.exit_code == 0 and last.kind == "run.stop" and last.content["exit_code"] == 0 and bool(self.jobs)

    @property
    def jobs(self) -> list[Entry]:
        """Entries of its jobs."""
        return [entry for entry in self.entries if entry.kind == "job"]

    def made(self) -> dict[str, str]:
        """SHA-256 by path, relative to the working directory, of everything that a successful job left."""
        return {
            name: str(value["sha256"])
            for entry in self.jobs
            if entry.content["exit_code"] == 0
            for name, value in entry.content["outputs"].items()
        }


def lay_out(
    base: Path,
    source: Path,
    snakefile: Path,
    permit_path: Path,
    *,
    code: Path | None = None,
    data: Path | None = None,
) -> Workspace:
    """Copy what the permit names into a new folder, and prove the copies.

    Parameters
    ----------
    base
        Where to make it; must be empty or not exist.
    source
        Folder that the permit's paths are relative to.
    snakefile
        The workflow, relative to `source`.
    permit_path
        The permit.
    code, data
        Other folders to take the workflow, or the data sets, from.

    Raises
    ------
    WorkspaceError
        The folder is in use or inside a repository, or the copies do not have the digests that were signed.
    """
    _check_place(base)
    permit = load(permit_path)
    content = permit.content
    work = base / WORK
    work.mkdir(parents=True, exist_ok=True)
    wrong = [*_code(code or source, work, content["workflow"]), *_data(data or source, work, content["datasets"])]
    single = dict(content["environments"])
    if content["protocol"]:
        single[content["protocol"]["path"]] = content["protocol"]["sha256"]
    for name, digest in sorted(single.items()):
        wrong += _single(source, work, name, digest)
    if not (work / snakefile).is_file():
        wrong.append(f"{snakefile} is no file of the workflow that the permit covers")
    if wrong:
        raise WorkspaceError("\n".join([f"Permit {permit.identifier} does not fit what is here:", *_listed(wrong)]))
    shutil.copy2(permit_path, base / PERMIT)
    return Workspace(base, work, snakefile, load(base / PERMIT))


def _listed(lines: Sequence[str]) -> list[str]:
    return [f"  {number}. {line}" for number, line in enumerate(lines, 1)]


def _check_place(base: Path) -> None:
    if base.exists() and any(base.iterdir()):
        raise WorkspaceError(f"{base} is not empty: a reproduction starts in a fresh folder")
    for folder in base.resolve().parents:
        if (folder / ".git").exists():
            raise WorkspaceError(f"{base} is inside the repository {folder}: name a folder outside of it")


def _code(source: Path, work: Path, signed: Mapping[str, Any]) -> list[str]:
    try:
        tree = trees.workflow(source, signed["sources"], signed["exclude"])
    except trees.TreeProblem as problem:
        return [f"workflow: {problem}"]
    for name in tree.files:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, work / name, follow_symlinks=False)
    found = trees.workflow(work, signed["sources"], signed["exclude"]).digest
    if found != signed["digest"]:
        return [f"workflow: the source tree has digest {found[:16]}…, signed is {signed['digest'][:16]}…"]
    return []


def _data(source: Path, work: Path, datasets: Sequence[Mapping[str, Any]]) -> list[str]:
    wrong = []
    for item in datasets:
        if Path(item["path"]).is_absolute():
            # It stands outside of any working directory, and is read where it stands.
            copy = Path(item["path"])
        else:
            copy = work / item["path"]
            original = source / item["path"]
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                trees.plain_path(source, item["path"])
                if original.is_dir():
                    shutil.copytree(original, copy, symlinks=True, dirs_exist_ok=True)
                elif original.is_file():
                    shutil.copy2(original, copy)
            except (OSError, trees.TreeProblem) as error:
                wrong.append(f"data set {item['id']}: {error}")
                continue
        try:
            found = trees.dataset(copy).digest
        except trees.TreeProblem as problem:
            wrong.append(f"data set {item['id']}: {problem}")
            continue
        if found != item["manifest"]:
            wrong.append(f"data set {item['id']}: manifest {found[:16]}…, signed is {item['manifest'][:16]}…")
    return wrong


def _single(source: Path, work: Path, name: str, digest: str) -> list[str]:
    try:
        found = canonical.sha256_file(trees.plain_path(source, name))
    except (OSError, ValueError) as error:
        return [f"{name}: {error}"]
    if found != digest:
        return [f"{name}: sha256 {found[:16]}…, signed is {digest[:16]}…"]
    if not Path(name).is_absolute():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, work / name)
    return []


@dataclass(frozen=True)
class Manner:
    """How to run.

    Attributes
    ----------
    cores
        Processors.
    software
        `host` or `conda`.
    targets
        Of Snakemake; none for the workflow's default.
    python
        Interpreter whose environment runs it.
    trust, register
        Trust store and register.
    conda_prefix
        Folder of the conda environments that were made beforehand.
    """

    cores: int
    trust: Path
    register: Register
    software: str = "host"
    targets: tuple[str, ...] = ()
    python: str = sys.executable
    conda_prefix: Path | None = None
    say: Callable[[str], None] = field(default=lambda line: None)  # noqa: ARG005


def run(workspace: Workspace, manner: Manner) -> Run:
    """Run the workflow, governed, and read back from the register what it recorded.

    Raises
    ------
    WorkspaceError
        The run was refused before it began, or the register cannot tell its entries from another run's.
    """
    before = manner.register.newest()
    first = before.index + 1 if before else 0
    started = time.time()
    exit_code = _snakemake(workspace, manner)
    finished = time.time()
    entries = [entry for entry in manner.register.entries() if entry.index >= first]
    starts = [entry for entry in entries if entry.kind == "run.start"]
    own = [entry for entry in starts if entry.content.get("permit") == str(workspace.base / PERMIT)]
    # Where a site fixes the permit, its path does not tell runs apart.
    own = own or starts
    if len(own) != 1:
        raise WorkspaceError(
            f"the run did not begin:\n{tail(workspace)}" if not own
            else "other runs began at the same time, and this site's permit does not tell them apart: run it alone"
        )  # fmt: skip
    mine = tuple(entry for entry in entries if entry.content.get("run") == own[0].content["run"])
    return Run(
        exit_code, _time(started), _time(finished), mine, position(manner.register), manner.software, manner.cores
    )


def finished(place: Workspace, manner: Manner) -> Run:
    """The runs that already happened in a working directory under this permit, by the register.

    Several count as one: a second run makes only what the first left undone. Runs under another version of the permit
    do not count, since it fixes workflow and data to the byte.

    Raises
    ------
    WorkspaceError
        There was none.
    """
    names, accepted, times = set(), None, []
    entries: list[Entry] = []
    for entry in manner.register.entries():
        if entry.kind == "permit.accepted":
            accepted = entry.content["permit_sha256"]
        own = accepted == place.permit.digest and entry.content.get("permit") == str(place.permit.path.absolute())
        if entry.kind == "run.start" and own:
            names.add(entry.content["run"])
        if entry.content.get("run") in names and entry.kind in ("run.start", "job", "run.stop"):
            entries.append(entry)
            times.append(entry.time)
    if not entries:
        raise WorkspaceError(f"the register knows no run under permit {place.permit.identifier} as it is now")
    last = entries[-1]
    code = int(last.content["exit_code"]) if last.kind == "run.stop" else 1
    return Run(
        code, times[0], times[-1], tuple(entries), position(manner.register), manner.software, manner.cores, fresh=False
    )


def tail(workspace: Workspace, lines: int = 25) -> str:
    """The end of what the run said."""
    said = (workspace.base / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "\n".join(f"  {line}" for line in said[-lines:])


def _time(seconds: float) -> str:
    return canonical.timestamp(datetime.fromtimestamp(seconds, UTC))


def position(register: Register) -> dict[str, Any]:
    """Size and Merkle root of a register as it is, in the form of its signed checkpoints (without their signature)."""
    frontier, first = merkle.Frontier(), None
    for entry in register.entries():
        first = first or entry
        frontier.add(bytes.fromhex(entry.hash))
    return {"register": first.hash if first else None, "size": frontier.size, "root": frontier.root().hex()}


def _snakemake(workspace: Workspace, manner: Manner) -> int:
    command = [
        manner.python, "-m", "kimed_spe.enclosure", "--snakefile", str(workspace.snakefile),
        "--cores", str(manner.cores), "--executor", "spe", "--scheduler", "greedy", "--nocolor", "--keep-going",
        "--retries", "1", "--show-failed-logs", "--default-resources", *DEFAULT_RESOURCES,
        # As `profiles/spe` does: what a graphics processor computes is another result than the published one.
        "--resources", "gpu=0",
    ]  # fmt: skip
    if manner.software == "conda":
        command += ["--software-deployment-method", "conda", "--conda-frontend", "conda"]
        # A fresh folder has no environments, and a run has no network to make them.
        command += ["--conda-prefix", str(manner.conda_prefix)] if manner.conda_prefix else []
    command += ["--", *manner.targets] if manner.targets else []
    with (workspace.base / LOG).open("w", encoding="utf-8", buffering=1) as log:
        process = subprocess.Popen(  # noqa: S603 - this Python, with arguments made here
            command, cwd=workspace.work, env=_environment(workspace, manner), text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                log.write(line)
                if _PROGRESS.match(line):
                    manner.say(line.strip())
            return process.wait()
        finally:
            # Interrupted: the supervisor passes it on to the enclosed run, which ends its jobs.
            if process.poll() is None:
                process.terminate()
                process.wait()


def _environment(workspace: Workspace, manner: Manner) -> dict[str, str]:
    """As of any governed run, but for places that must not follow the working directory."""
    fixed = site.fixed()
    places = {
        "permit": workspace.base / PERMIT, "trust": manner.trust.absolute(), "register": manner.register.path.absolute()
    }  # fmt: skip
    chosen = {f"KIMED_{name.upper()}": str(path) for name, path in places.items() if name not in fixed}
    return {**os.environ, **chosen, "PYTHONHASHSEED": "0", "PYTHONNOUSERSITE": "1", "KIMED_SOFTWARE": manner.software}
