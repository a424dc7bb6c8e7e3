"""Graphics processors (NVIDIA): which a run was granted, and which of them one job gets.

The wall is the device node: a box holds the nodes of its job's processors and no other. Inside it CUDA numbers what it
can open from 0, as in a container, and CUDA_VISIBLE_DEVICES says so. Not proven on a real processor: tests use plain
files in place of nodes.
"""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from kimed_spe.sandbox import Mount

DEV = Path("/dev")
DRIVER = Path("/proc/driver/nvidia/gpus")
# Nodes that every CUDA program needs beside those of its processors. Not nvidia-caps: it opens MIG instances.
COMMON = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
VISIBLE = "CUDA_VISIBLE_DEVICES"
CAP = "KIMED_GPUS"
"""How many processors of a cluster may be in use at once, where the machine that starts the run has none."""


class DeviceError(RuntimeError):
    """Graphics processors are asked for that are not there or not granted."""


def present(dev: Path = DEV) -> list[int]:
    """Minor numbers of the processors that have a node."""
    names = (path.name.removeprefix("nvidia") for path in dev.glob("nvidia*"))
    return sorted(int(name) for name in names if name.isdigit())


def granted(environment: Mapping[str, str], dev: Path = DEV, driver: Path = DRIVER) -> list[int]:
    """Minor numbers of the processors that this process may use.

    CUDA_VISIBLE_DEVICES (CUDA C++ Programming Guide, "CUDA Environment Variables") lists positions or identifiers; as
    for CUDA, an unknown entry ends the list, and an empty value grants none. Unset, all that are present are granted.

    Raises
    ------
    DeviceError
        The variable names a MIG instance.
    """
    nodes = present(dev)
    if VISIBLE not in environment:
        return nodes
    known = _known(driver) or [(f"position {number}", number) for number in nodes]
    found: list[int] = []
    for entry in (part.strip() for part in environment[VISIBLE].split(",")):
        if entry.startswith("MIG-"):
            raise DeviceError(f"{VISIBLE} names the MIG instance {entry}: a box can hold whole processors only")
        if entry.isdigit():
            matches = [minor for _, minor in known[int(entry) : int(entry) + 1]]
        else:
            matches = [minor for name, minor in known if entry and name.startswith(entry)]
        if len(matches) != 1 or matches[0] not in nodes:
            break
        found.append(matches[0])
    return sorted(set(found))


def _known(driver: Path) -> list[tuple[str, int]]:
    """Identifier and minor number of each processor in the order of the bus, which numbers them inside of boxes."""
    found = []
    for path in sorted(driver.glob("*/information")):
        lines = (line.partition(":") for line in path.read_text().splitlines())
        said = {key.strip(): value.strip() for key, _, value in lines}
        if "GPU UUID" in said and said.get("Device Minor", "").isdigit():
            found.append((said["GPU UUID"], int(said["Device Minor"])))
    return found


def mounts(numbers: list[int], dev: Path = DEV) -> list[Mount]:
    """The nodes of these processors and those that all share; nothing for none."""
    names = [*(f"nvidia{number}" for number in numbers), *COMMON] if numbers else []
    return [Mount(DEV / name, dev / name, device=True) for name in names if (dev / name).exists()]


def variables(numbers: list[int]) -> dict[str, str]:
    """What a job is told of its processors: positions among those that it can open; for none, that it has none."""
    told = ",".join(str(position) for position in range(len(numbers)))
    return {VISIBLE: told, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if numbers else {VISIBLE: ""}


class Pool:
    """The processors of a run, each in the hands of one job at a time.

    Parameters
    ----------
    numbers
        Minor numbers of those that the run was granted.
    """

    def __init__(self, numbers: list[int]) -> None:
        self.all = sorted(numbers)
        self.held: dict[str, list[int]] = {}
        self.changed = threading.Condition()

    def take(self, job: str, count: int) -> list[int]:
        """Processors for a job; waits for those that other jobs hold.

        Raises
        ------
        DeviceError
            More than the run was granted.
        """
        if count > len(self.all):
            raise DeviceError(
                f"asks for {count} GPU, this run was granted {len(self.all)}: start it where there are GPUs "
                f"(`--profile profiles/gpu`; {VISIBLE} limits which), or with `--resources gpu=0`"
            )
        with self.changed:
            self.changed.wait_for(lambda: len(self._free()) >= count)
            taken = self._free()[:count]
            if taken:
                self.held[job] = taken
            return taken

    def _free(self) -> list[int]:
        held = {number for numbers in self.held.values() for number in numbers}
        return [number for number in self.all if number not in held]

    def give_back(self, job: str) -> None:
        """Free what a job holds, if anything."""
        with self.changed:
            self.held.pop(job, None)
            self.changed.notify_all()


def demand(environment: Mapping[str, str] | None = None, dev: Path = DEV, driver: Path = DRIVER) -> int:
    """How many processors jobs may hold at once, for `profiles/gpu`; ends the program where that is none."""
    environment = os.environ if environment is None else environment
    try:
        if CAP not in environment:
            count = len(granted(environment, dev, driver))
        elif environment[CAP].isdigit():
            count = int(environment[CAP])
        else:
            raise DeviceError(f"{CAP}={environment[CAP]}: give a whole number, or unset it")
        if not count:
            raise DeviceError(
                f"profiles/gpu asks for a GPU and this machine grants none (no /dev/nvidia<number>, {VISIBLE} or {CAP} "
                f"say so): leave the profile out to compute on the processor, or set {CAP} where a cluster has them"
            )
    except DeviceError as problem:
        sys.stderr.write(f"{problem}\nNothing was run.\n")
        sys.exit(1)
    return count
