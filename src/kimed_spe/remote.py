"""The enclosed side of execution on SLURM: boxes whose commands are handed to the supervisor instead of being started.

A box is made here as ever. The launcher that Snakemake starts in place of bash finds a file `submit` in it and becomes
`cluster_client`; on the node, inside an enclosure like this one, the second launcher starts what is in the box.
"""

import copy
import json
import os
import shlex
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from snakemake.benchmark import BenchmarkRecord

from kimed_spe import cluster_client
from kimed_spe.jobs import Plan
from kimed_spe.limits import Limits
from kimed_spe.sandbox import FULL_LAUNCHER, Box, Mount, Sandbox

NODE_LAUNCHER = "node"
HAND_OVER = """if [ -r "$box/submit" ]; then
  echo $$ >> "$box/pids"
  exec {python} -I -S {client} "$box" "$@"
fi
own=()
"""
DEVICES = """own=()
if [ -r "$box/gpu" ]; then
  for path in /dev/nvidia*; do [ ! -e "$path" ] || own+=(--dev-bind "$path" "$path"); done
  for name in CUDA_VISIBLE_DEVICES SLURM_JOB_GPUS SLURM_GPUS_ON_NODE; do
    [ -z "${!name-}" ] || own+=(--setenv "$name" "${!name}")
  done
fi
"""
GLANCE = 0.2
RESOURCES = ("mem_mb", "runtime", "disk_mb", "gpu", "slurm_partition", "slurm_account", "qos", "constraint")


def offered() -> bool:
    """Whether the supervisor of this run takes jobs for SLURM."""
    return Path(cluster_client.DOOR).is_socket()


class RemoteSandbox(Sandbox):
    """Boxes that run on nodes; to be made after the `Sandbox` of the same folder, whose launcher it extends."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        hand_over = HAND_OVER.format(
            python=shlex.quote(sys.executable), client=shlex.quote(str(Path(cluster_client.__file__)))
        )
        here, node = (FULL_LAUNCHER.replace("own=()\n", text, 1) for text in (hand_over, DEVICES))
        for path, text in ((self.launcher, here), (folder / NODE_LAUNCHER, node)):
            path.unlink(missing_ok=True)
            path.write_text(text)
            path.chmod(0o555)

    def _devices(self, _mounts: Iterable[Mount]) -> list[str]:
        # Made on the node, which adds its own devices.
        return ["--dev", "/dev"]

    def _launch(self, folder: Path, limits: Limits, kind: str, groups: list[Path], closing: list[str]) -> str:
        # The first line notes a process, whose number means nothing outside of its node.
        return super()._launch(folder, limits, kind, groups, closing).split("\n", 1)[1]


def ask(box: Box, job: Any, latency: float) -> None:
    """Have the commands of a box, which is that of a job of Snakemake, run on a node.

    Parameters
    ----------
    latency
        Seconds that files may need to be seen there (`--latency-wait`).
    """
    found = {name: job.resources.get(name) for name in RESOURCES}
    known = {name: value for name, value in found.items() if isinstance(value, (int, float, str))}
    if known.get("gpu"):
        (box.folder / "gpu").touch()
    more = {"latency": latency, "benchmark": int(job.benchmark is not None)}
    about = {"rule": job.rule.name, "job": job.jobid, "threads": job.threads, **known, **more}
    (box.folder / "submit").write_text(json.dumps(about))


def await_outputs(box: Box, plan: Plan, latency: float) -> None:
    """Wait until what a job has written on its node is seen here, too, or for so many seconds."""
    end, stages = time.monotonic() + latency, plan.stages(box.folder)
    for path in plan.written:
        while path not in plan.pipes and not _seen(stages[path.parent] / path.name) and time.monotonic() < end:
            time.sleep(GLANCE)


def _seen(path: Path) -> bool:
    # Listing the folder makes network file systems ask their server again.
    with suppress(OSError):
        return any(entry.name == path.name for entry in os.scandir(path.parent))
    return False


def measured_there(rule: Any, box: Box) -> Any:
    """The rule of a job, but what `benchmark:` writes is what the node measured, not what the waiting client used.

    Snakemake measures the process that it started; the numbers of its record are replaced before they are written.
    """
    found, run = copy.copy(rule), rule.run_func

    def run_and_tell(*arguments: Any) -> None:
        run(*arguments)
        for record in arguments:
            if isinstance(record, BenchmarkRecord):
                _tell(record, box)

    found.run_func = run_and_tell
    return found


def _tell(record: BenchmarkRecord, box: Box) -> None:
    """Put a node's figures, or that there are none, into a record."""
    path = box.folder / "benchmark.json"
    try:
        figures: dict[str, Any] = json.loads(path.read_text())
        path.unlink()
    except (OSError, ValueError) as error:
        figures = {"data_collected": False, "running_time": float(told(box).get("seconds", 0))}
        record.errors.append(f"the node told no figures: {error}")
    for name in cluster_client.FIGURES:
        setattr(record, name, figures.get(name))


def told(box: Box) -> dict[str, Any]:
    """Where and how it ran, as the supervisor said; empty if it did not."""
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads((box.folder / "slurm.json").read_text())
        return found
    return {}
