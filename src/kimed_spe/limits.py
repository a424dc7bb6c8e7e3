"""Limits of a job: memory, processes and processors by control group, or by resource limits where there is none.

A control group counts what all processes of the job use together, private file systems included, and is used wherever
its folder can be written: version 2 (delegated to the user by systemd or SLURM, or root), else version 1. Otherwise
RLIMIT_DATA and RLIMIT_NPROC hold per process and per user name space. RLIMIT_AS is not used: libraries reserve address
space that they never fill (measured: torch 2.13 with 264 MB resident needs 817 MB of it but 260 MB of data, numba 0.68
with 181 MB resident 632 MB but 240 MB).
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
# A process per thread and room for shells, pipes and thread pools of libraries.
PROCESSES, PROCESSES_PER_THREAD = 256, 64
# cpu.max and cpu.cfs_period_us of <Documentation/admin-guide/cgroup-v2.rst>
PERIOD = 100_000
GROUPS = "KIMED_GROUPS"
"""Variable that tells the enclosed process which control groups were made for the run."""


@dataclass(frozen=True)
class Limits:
    """What one job may use.

    Attributes
    ----------
    memory
        Bytes of memory; None where the rule and the profile say nothing.
    processes
        Processes and threads at the same time.
    threads
        Processors.
    disk
        Bytes of temporary and output files; None where nothing is said.
    seconds
        Wall-clock time; None where nothing is said.
    """

    memory: int | None
    processes: int
    threads: int
    disk: int | None
    seconds: float | None

    @classmethod
    def of(cls, resources: Mapping[str, object], threads: int) -> "Limits":
        """From a rule's `mem_mb`, `disk_mb`, `runtime` (minutes), `max_processes` and threads."""

        def number(name: str) -> float | None:
            value = resources.get(name)
            return float(value) if isinstance(value, (int, float)) and value > 0 else None

        memory, disk, runtime, processes = (number(name) for name in ("mem_mb", "disk_mb", "runtime", "max_processes"))
        return cls(
            memory=int(memory * 1e6) if memory else None,
            processes=int(processes) if processes else PROCESSES + PROCESSES_PER_THREAD * threads,
            threads=threads,
            disk=int(disk * 1e6) if disk else None,
            seconds=runtime * 60 if runtime else None,
        )


class Groups:
    """Control groups of one run, below the group that this process is in.

    Attributes
    ----------
    kind
        `cgroup2`, `cgroup1`, or `rlimit` where no control group can be written.
    """

    def __init__(self, name: str, mount: Path = MOUNT) -> None:
        self.folders: dict[str, Path] = {}
        self.kind = "rlimit"
        own = _own_groups()
        if (mount / "cgroup.controllers").exists():
            leaf = mount / own.get("", "/").lstrip("/")
            # A service with systemd's DelegateSubgroup= sits in a leaf, and its parent is the delegated group.
            for parent in (leaf, leaf.parent) if leaf != mount else (leaf,):
                if self.kind == "rlimit":
                    self._take_version_2(parent, name)
        else:
            for controller in ("memory", "pids", "cpu", "cpuacct"):
                # `cpu` and `cpuacct` are one hierarchy on many machines; its folder is there by then.
                parent = mount / controller / own.get(controller, "/").lstrip("/")
                if _make(parent / name):
                    self.folders[controller] = parent / name
            if {"memory", "pids"} <= set(self.folders):
                self.kind = "cgroup1"
            else:
                self.close()

    def text(self) -> str:
        """Kind and folders, for `adopt`."""
        return json.dumps({"kind": self.kind, "folders": {name: str(path) for name, path in self.folders.items()}})

    @classmethod
    def adopt(cls, text: str) -> "Groups":
        """Groups that another process made and will remove."""
        given = json.loads(text)
        groups = cls.__new__(cls)
        groups.kind = given["kind"]
        groups.folders = {name: Path(path) for name, path in given["folders"].items()}
        return groups

    @classmethod
    def none(cls) -> "Groups":
        """No groups: on nodes SLURM and `cluster_step` hold the limits, resource limits are a coarse net."""
        return cls.adopt(json.dumps({"kind": "node", "folders": {}}))

    def _take_version_2(self, parent: Path, name: str) -> None:
        available = _read(parent / "cgroup.subtree_control").split()
        if not {"memory", "pids"} <= set(available) or not _make(parent / name):
            return
        folder = parent / name
        wanted = [controller for controller in ("memory", "pids", "cpu") if controller in available]
        if _write(folder / "cgroup.subtree_control", " ".join(f"+{controller}" for controller in wanted)):
            self.kind, self.folders = "cgroup2", {"": folder}
        else:
            folder.rmdir()

    def open(self, job: str, limits: Limits) -> list[Path]:
        """Make the groups of a job; a process joins them by writing its number into each `cgroup.procs`."""
        joined = []
        for controller, parent in self.folders.items():
            folder = parent / job
            folder.mkdir(exist_ok=True)
            for name, value in _settings(self.kind, controller, limits).items():
                # Swap accounting and CPU bandwidth are optional kernel features.
                if not _write(folder / name, str(value)) and name in {"memory.max", "memory.limit_in_bytes"}:
                    raise OSError(f"{folder / name} does not take {value}")
            joined.append(folder)
        return joined

    @staticmethod
    def close_job(folders: list[Path]) -> dict[str, float]:
        """Kill what is left in the groups of a job, remove them, and tell what the kernel counted."""
        counted: dict[str, float] = {}
        for folder in folders:
            for name in ("memory.peak", "memory.max_usage_in_bytes"):
                peak = _read(folder / name).strip()
                if peak.isdigit():
                    counted["memory_peak"] = int(peak)
            counted["out_of_memory"] = max(counted.get("out_of_memory", 0), _kills(folder))
            if (seconds := _processor_seconds(folder)) is not None:
                counted["cpu_seconds"] = seconds
            _write(folder / "cgroup.kill", "1")
            for _ in range(100):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.01)
        return counted

    def close(self) -> None:
        """Remove the groups of the run, with those of jobs that were cut off."""
        for folder in self.folders.values():
            if folder.is_dir():
                self.close_job([path for path in folder.iterdir() if path.is_dir()])
            with contextlib.suppress(OSError):
                folder.rmdir()
        self.folders = {}


def shell_limits(kind: str, limits: Limits) -> list[str]:
    """`ulimit` commands for what no control group holds.

    `$block` is the unit of `ulimit -f` in the shell that runs them: 512 bytes in POSIX shells, 1024 in bash. Only bash
    limits processes by `-u`; it takes over where that is needed.
    """
    commands = ["ulimit -c 0"]
    if limits.disk:
        commands.append(f"ulimit -f $(({max(limits.disk // 1024, 1)} * 1024 / block))")
    if kind in ("rlimit", "node"):
        commands.insert(0, '[ -n "${BASH_VERSION-}" ] || exec /bin/bash "${0%/*}/launcher" "$@"')
        commands.append(f"ulimit -u {limits.processes}")
        if limits.memory:
            # Data that are reserved and never filled count as well (`bcftools sort` takes 768 MB at once).
            room = 2 if kind == "node" else 1
            commands.append(f"ulimit -d {max(room * limits.memory // 1024, 1)}")
    return commands


def _settings(kind: str, controller: str, limits: Limits) -> dict[str, int | str]:
    settings: dict[str, int | str] = {}
    if kind == "cgroup2":
        settings = {"pids.max": limits.processes, "cpu.max": f"{limits.threads * PERIOD} {PERIOD}"}
        if limits.memory:
            settings |= {"memory.max": limits.memory, "memory.swap.max": 0, "memory.oom.group": 1}
    elif controller == "memory" and limits.memory:
        settings = {"memory.limit_in_bytes": limits.memory, "memory.memsw.limit_in_bytes": limits.memory}
    elif controller == "pids":
        settings = {"pids.max": limits.processes}
    elif controller == "cpu":
        settings = {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": limits.threads * PERIOD}
    return settings


def _kills(folder: Path) -> int:
    for name in ("memory.events", "memory.oom_control"):
        for line in _read(folder / name).splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value)
    return 0


def _processor_seconds(folder: Path) -> float | None:
    """Processor time of a group: `usage_usec` of version 2, `cpuacct.usage` (nanoseconds) of version 1."""
    lines = dict(line.split(" ", 1) for line in _read(folder / "cpu.stat").splitlines())
    for text, unit in ((lines.get("usage_usec", ""), 1e6), (_read(folder / "cpuacct.usage").strip(), 1e9)):
        if text.isdigit():
            return round(int(text) / unit, 3)
    return None


def _own_groups() -> dict[str, str]:
    """Controller -> path of this process' group (cgroups(7)); version 2 has the empty name."""
    found = {}
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def _make(folder: Path) -> bool:
    try:
        folder.mkdir()
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write(path: Path, text: str) -> bool:
    try:
        path.write_text(text)
    except OSError:
        return False
    return True
