"""The enclosed side of execution on SLURM: boxes whose commands are handed to the supervisor instead of being started.

A box is made here as ever. The launcher that Snakemake starts in place of bash finds a file `submit` in it and becomes
`cluster_client`; on the node, inside an enclosure like this one, the second launcher starts what is in the box.
"""

import json
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kimed_spe import cluster_client
from kimed_spe.limits import Limits
from kimed_spe.sandbox import FULL_LAUNCHER, Box, Sandbox

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

    def _launch(self, folder: Path, limits: Limits, kind: str, groups: list[Path], closing: list[str]) -> str:
        # The first line notes a process, whose number means nothing outside of its node.
        return super()._launch(folder, limits, kind, groups, closing).split("\n", 1)[1]


def ask(box: Box, rule: str, job: int, threads: int, resources: Mapping[str, Any]) -> None:
    """Have the commands of a box run on a node."""
    found = {name: resources.get(name) for name in RESOURCES}
    known = {name: value for name, value in found.items() if isinstance(value, (int, float, str))}
    if known.get("gpu"):
        (box.folder / "gpu").touch()
    (box.folder / "submit").write_text(json.dumps({"rule": rule, "job": job, "threads": threads, **known}))


def told(box: Box) -> dict[str, Any]:
    """Where and how it ran, as the supervisor said; empty if it did not."""
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads((box.folder / "slurm.json").read_text())
        return found
    return {}
