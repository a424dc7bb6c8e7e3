"""One job from Snakemake's description of it: what it sees, how it is run, what is taken over, what is recorded."""

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kimed_spe import devices, outputs
from kimed_spe.folders import STAGE, common_names
from kimed_spe.limits import Groups, Limits
from kimed_spe.sandbox import Box, Mount, Sandbox

# From this many inputs in one folder on, one mount of a folder of hard links takes the place of one mount each
# (0.5 ms per mount, 0.01 ms per link).
MANY = 16
# Folders of a source tree that hold code; data, results, sample sheets and configs are inputs or parameters.
CODE_FOLDERS = (
    "workflow", "workflows", "rules", "scripts", "notebooks", "envs", "lib", "src", "R", "bin", "report", "wrappers",
    "templates", "modules", "schemas", "utils", "functions", "python", "perl",
)  # fmt: skip
CODE_SUFFIXES = (".py", ".R", ".r", ".Rmd", ".sh", ".bash", ".smk", ".jl", ".pl", ".awk", ".ipynb", ".rs", ".rst")
# Folders inside code folders that hold no code.
BYTECODE = "__pycache__"
NO_CODE = ("results", "data", "resources", "test_data", "config", ".snakemake", ".spe", ".git", ".test", "logs")


class JobRefused(RuntimeError):
    """A job asks for something that cannot be sandboxed or is not allowed."""


@dataclass(frozen=True)
class Plan:
    """What a job reads and writes, as absolute paths without resolving links.

    Attributes
    ----------
    rule, name
        The rule, and a folder name that is unique in the run.
    inputs, written, logs
        Declared inputs; declared outputs; declared logs.
    pipes
        Inputs and outputs that are FIFOs shared with another running job.
    updated
        Outputs whose present content the job needs (`update()`).
    read
        Further files and folders that it may read: software environment, source cache.
    shadow
        The job's own working folder, if the rule asks for one.
    gpu
        Graphics processors that it asks for.
    """

    rule: str
    name: str
    inputs: tuple[Path, ...]
    written: tuple[Path, ...]
    logs: tuple[Path, ...]
    pipes: tuple[Path, ...] = ()
    updated: tuple[Path, ...] = ()
    read: tuple[Path, ...] = ()
    shadow: Path | None = None
    gpu: int = 0

    def stages(self, folder: Path) -> dict[Path, Path]:
        """Folder of each output -> the one in the box's folder that appears in its place."""
        parents = dict.fromkeys(path.parent for path in (*self.written, *self.logs) if path not in self.pipes)
        return {parent: folder / f"{STAGE}{number}" for number, parent in enumerate(parents)}


@dataclass
class Outcome:
    """What became of a job, for the register."""

    started: float
    exit_code: int = 0
    error: str = ""
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    gpus: list[int] = field(default_factory=list)


def source_mounts(root: Path, extra: Iterable[Path] = ()) -> list[Mount]:
    """The code of a workflow, read-only: code folders, and single code files of its top folder.

    Parameters
    ----------
    root
        The source tree.
    extra
        Files outside of code folders that rules name: Snakefiles, scripts, notebooks.
    """
    mounts = []
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False) and entry.name in CODE_FOLDERS:
            mounts.append(Mount(path, path))
            mounts += [Mount(hidden) for hidden in _without_code(path)]
        elif entry.is_dir(follow_symlinks=False) and entry.name == BYTECODE:
            mounts.append(Mount(path))
        elif entry.is_file(follow_symlinks=False) and (path.suffix in CODE_SUFFIXES or entry.name == "Snakefile"):
            mounts.append(Mount(path, path))
    for path in extra:
        places = [mount.place for mount in mounts if mount.source]
        if path.exists() and not any(path.is_relative_to(place) for place in places):
            mounts += _around(path, root)
    return mounts


def _around(path: Path, root: Path) -> list[Mount]:
    """A code file with the files that it may import or source: its outermost code folder, or its neighbours."""
    below = [parent for parent in path.parents if parent != root and root in parent.parents] or list(path.parents)[:2]
    folders = [parent for parent in below if parent.name in CODE_FOLDERS]
    if folders:
        return [Mount(folders[-1], folders[-1]), *(Mount(hidden) for hidden in _without_code(folders[-1]))]
    neighbours = [near for near in path.parent.iterdir() if near.suffix in CODE_SUFFIXES and near.is_file()]
    return [Mount(near, near.resolve()) for near in {*neighbours, path}]


def _without_code(folder: Path) -> list[Path]:
    """Folders to hide: data, and bytecode, which Python would run instead of the signed source beside it."""
    bytecode = [Path(place) / BYTECODE for place, folders, _ in os.walk(folder) if BYTECODE in folders]
    return bytecode + [folder / name for name in NO_CODE if (folder / name).is_dir()]


class Runner:
    """Runs the jobs of one Snakemake process in boxes.

    Parameters
    ----------
    sandbox, groups
        What the boxes share.
    workdir
        The working directory; outputs must be in it.
    sources
        Mounts of the workflow's code.
    record
        Called with the register's content for each finished job.
    processors, dev
        Graphics processors of the run (None: all whose nodes are here, in the enclosure those granted); their nodes.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        groups: Groups,
        workdir: Path,
        sources: list[Mount],
        *,
        record: Callable[[dict[str, Any]], None],
        processors: devices.Pool | None = None,
        dev: Path = devices.DEV,
    ) -> None:
        self.sandbox = sandbox
        self.groups = groups
        self.workdir = workdir
        self.sources = sources
        sandbox.folders.common = common_names([workdir, Path.home(), *sandbox.roots, *(one.place for one in sources)])
        self.record = record
        self.digests = outputs.Digests()
        self.dev = dev
        self.processors = processors or devices.Pool(devices.present(dev))
        # SHA-256 of what this run's jobs made, by name.
        self.made: dict[str, str] = {}

    def prepare(self, plan: Plan, limits: Limits) -> Box:
        """Make the box of a job.

        Raises
        ------
        JobRefused
            An output is where the job must not write, or it asks for more graphics processors than the run has.
        """
        self._check_places(plan)
        folder = self.sandbox.folders.take(plan.name)
        mounts = [Mount(self.workdir), *self.sources]
        mounts += [Mount(path, path) for path in plan.read if path.exists()]
        staged = self._stages(plan, folder)
        mounts += [Mount(place, source, writable=True) for place, source in staged.items()]
        mounts += [Mount(path, path, writable=True) for path in plan.pipes]
        mounts += self._inputs(plan, folder, set(staged))
        if plan.shadow:
            mounts.append(Mount(plan.shadow, plan.shadow, writable=True))
        try:
            taken = self.processors.take(plan.name, plan.gpu)
        except devices.DeviceError as error:
            raise JobRefused(f"rule {plan.rule} {error}") from error
        try:
            # Jobs with `shadow:` are processes with boxes of their own numbers, in the control groups of one run.
            groups = self.groups.open(f"{self.sandbox.folder.name}.{plan.name}", limits)
            return self.sandbox.box(
                folder.name, [*mounts, *devices.mounts(taken, self.dev)], plan.shadow or self.workdir, limits=limits,
                kind=self.groups.kind, groups=groups, variables=devices.variables(taken),
            )  # fmt: skip
        except BaseException:
            self.processors.give_back(plan.name)
            raise

    def _check_places(self, plan: Plan) -> None:
        for path in (*plan.written, *plan.logs):
            if ".." in path.parts or not path.parent.resolve().is_relative_to(self.workdir):
                raise JobRefused(f"rule {plan.rule}: output {path} is outside the working directory {self.workdir}")
            # As named, and as links among the folders above lead.
            names = (path, path.parent.resolve() / path.name)
            if any(name.is_relative_to(self.workdir / own) for name in names for own in (".snakemake", ".spe")):
                raise JobRefused(f"rule {plan.rule}: output {path} is inside the run's own records")

    @staticmethod
    def _stages(plan: Plan, folder: Path) -> dict[Path, Path]:
        """Make the folders that appear in place of those of the outputs, empty."""
        stages = plan.stages(folder)
        for stage in stages.values():
            stage.mkdir(parents=True, exist_ok=True)
        for path in plan.written:
            if path in plan.updated and path.exists():
                target = stages[path.parent] / path.name
                shutil.copytree(path, target) if path.is_dir() else shutil.copy2(path, target)
            elif path.is_dir() and not path.is_symlink():
                (stages[path.parent] / path.name).mkdir(exist_ok=True)
        return stages

    def _inputs(self, plan: Plan, folder: Path, staged: set[Path]) -> list[Mount]:
        by_folder: dict[Path, list[Path]] = {}
        for path in dict.fromkeys(plan.inputs):
            if path not in plan.pipes:
                by_folder.setdefault(path.parent, []).append(path)
        mounts = []
        for number, (parent, paths) in enumerate(by_folder.items()):
            whole = None
            if len(paths) > MANY and parent not in staged and not self._holds_mounts(parent, plan):
                whole = _linked(paths, folder / f"in{number}")
            if whole:
                mounts.append(Mount(parent, whole))
            else:
                mounts += [Mount(path, path.resolve()) for path in paths]
        return mounts

    def _holds_mounts(self, parent: Path, plan: Plan) -> bool:
        """Whether something else is mounted below `parent`, for which a read-only folder would have no place."""
        others = [*plan.written, *plan.logs, *plan.inputs, *plan.pipes, *(mount.place for mount in self.sources)]
        others += [self.sandbox.folder, *([plan.shadow] if plan.shadow else [])]
        return any(parent in path.parents and path.parent != parent for path in others)

    def run(self, plan: Plan, box: Box, limits: Limits, action: Callable[[], None], facts: Mapping[str, Any]) -> None:
        """Run a prepared job, take over its outputs, record it, and remove its box.

        Parameters
        ----------
        action
            Runs the job's commands; raises if one fails.
        facts
            What the register should hold besides: rule, wildcards, resources.
        """
        outcome = Outcome(time.time())
        try:
            outcome.inputs = self._digests(plan.inputs, plan)
            self._check_made(plan, outcome)
            try:
                action()
            finally:
                self._publish(plan.logs, plan, box, outcome, keep=True)
            self._check_unchanged(plan, outcome)
            self._publish(plan.written, plan, box, outcome, keep=False)
            self.made.update({name: str(output["sha256"]) for name, output in outcome.outputs.items()})
        except BaseException as error:
            outcome.error = f"{type(error).__name__}: {error}"[:2000]
            outcome.exit_code = _exit_code(error)
            raise
        finally:
            outcome.used = self.groups.close_job(box.groups)
            outcome.gpus = self.processors.held.get(plan.name, [])
            self.processors.give_back(plan.name)
            self.sandbox.folders.give_back(box.folder, box.groups)
            if outcome.used.get("out_of_memory"):
                outcome.error = f"out of memory: {outcome.error}"
            self.record(self._content(plan, box.digest, limits, outcome, facts))

    def run_unboxed(self, plan: Plan, limits: Limits, action: Callable[[], None], facts: Mapping[str, Any]) -> None:
        """Run a job as Snakemake itself would, where the permit asks for no sandbox; it is checked and recorded."""
        outcome = Outcome(time.time())
        try:
            outcome.inputs = self._digests(plan.inputs, plan)
            action()
            for path in (*plan.written, *plan.logs):
                if path not in plan.pipes and os.path.lexists(path):
                    outputs.check(path)
                    value = outputs.digest(path)
                    outcome.outputs[self._name(path)] = {"sha256": value.sha256, "size": value.size}
        except BaseException as error:
            outcome.error, outcome.exit_code = f"{type(error).__name__}: {error}"[:2000], _exit_code(error)
            raise
        finally:
            self.record(self._content(plan, "none", limits, outcome, facts))

    def _digests(self, paths: Iterable[Path], plan: Plan) -> dict[str, dict[str, Any]]:
        found = {}
        for path in paths:
            if path not in plan.pipes:
                value = self.digests.of(path)
                found[self._name(path)] = {"sha256": value.sha256, "size": value.size}
        return found

    def _check_made(self, plan: Plan, outcome: Outcome) -> None:
        """Raise if an input is not what the job of this run wrote that made it: a disk or somebody changed it."""
        for name, found in outcome.inputs.items():
            if self.made.get(name, found["sha256"]) != found["sha256"]:
                raise JobRefused(
                    f"rule {plan.rule}: input {name} is not what the job that made it wrote "
                    "(`spe audit verify --files .`): remove it, and name it beside the targets of the next run"
                )

    def _check_unchanged(self, plan: Plan, outcome: Outcome) -> None:
        """Raise if an input is another than when the job began: the record of what it read would not be true."""
        for path in plan.inputs:
            if path in plan.pipes:
                continue
            try:
                same = self.digests.of(path).sha256 == outcome.inputs[self._name(path)]["sha256"]
            except (OSError, outputs.UnsafeOutput):
                same = False
            if not same:
                raise JobRefused(f"rule {plan.rule}: input {path} was changed while it ran: nothing is kept")

    def _publish(self, paths: Iterable[Path], plan: Plan, box: Box, outcome: Outcome, *, keep: bool) -> None:
        """Move outputs from where the job wrote them; `keep` goes on after an unsafe one (logs of a failed job)."""
        folders = plan.stages(box.folder)
        for path in paths:
            if path in plan.pipes:
                continue
            staged = folders[path.parent] / path.name
            shadowed = plan.shadow / os.path.relpath(path, self.workdir) if plan.shadow else None
            try:
                if os.path.lexists(staged):
                    outputs.publish(staged, path)
                    value = outputs.digest(path)
                elif shadowed and os.path.lexists(shadowed):
                    outputs.check(shadowed)
                    value = outputs.digest(shadowed)
                else:
                    continue
            except outputs.UnsafeOutput:
                if not keep:
                    raise
                continue
            outcome.outputs[self._name(path)] = {"sha256": value.sha256, "size": value.size}

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.workdir)) if path.is_relative_to(self.workdir) else str(path)

    def _content(
        self, plan: Plan, box: str, limits: Limits, outcome: Outcome, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            **facts,
            "rule": plan.rule,
            "inputs": outcome.inputs,
            "outputs": outcome.outputs,
            "exit_code": outcome.exit_code,
            "error": outcome.error,
            "seconds": round(time.time() - outcome.started, 3),
            "limits": {
                "memory": limits.memory, "processes": limits.processes, "threads": limits.threads, "disk": limits.disk,
                "seconds": limits.seconds, "by": self.groups.kind, "gpus": outcome.gpus,
            },
            "used": outcome.used,
            "sandbox": box,
        }  # fmt: skip


def _linked(paths: list[Path], folder: Path) -> Path | None:
    """A folder of hard links to exactly these files, or None where links are not possible."""
    folder.mkdir(parents=True)
    try:
        for path in paths:
            real = path.resolve()
            if not stat.S_ISREG(real.stat().st_mode):
                return None
            os.link(real, folder / path.name)
    except OSError:
        with suppress(OSError):
            shutil.rmtree(folder)
        return None
    return folder


def _exit_code(error: BaseException) -> int:
    """Exit status of the failed command, as a shell would give it; 1 if no command failed."""
    seen: BaseException | None = error
    while seen is not None:
        code = getattr(seen, "returncode", None)
        if isinstance(code, int):
            return 128 - code if code < 0 else code
        seen = seen.__cause__ or seen.__context__
    return 1
