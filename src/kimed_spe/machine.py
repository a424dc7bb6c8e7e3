"""What this machine offers, for profiles that are templates.

`profiles/spe/profile.yaml` calls `choose()`; the first lines of a run say what was chosen and why.
The environment variable KIMED_SOFTWARE (host, conda) forces the software.
"""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import psutil

from kimed_spe import devices, gate, slurm
from kimed_spe import permit as permits
from kimed_spe.permit_model import PermitError
from kimed_spe.software import demand_conda

SOFTWARE = ("host", "conda")


@dataclass(frozen=True)
class Machine:
    """The choice for one run.

    Attributes
    ----------
    software
        `host` (the locked environment that Snakemake itself runs in) or `conda` (envs/*.yaml).
    cores
        Processors that this process may use.
    reasons
        One line per choice, for people.
    """

    software: str
    cores: int
    reasons: tuple[str, ...]


def choose(environment: Mapping[str, str] | None = None) -> Machine:
    """Look at the machine and the forcing variable.

    Raises
    ------
    ValueError
        KIMED_SOFTWARE is no choice, or asks for conda where there is none.
    """
    environment = os.environ if environment is None else environment
    software = environment.get("KIMED_SOFTWARE", "host")
    why = "forced by KIMED_SOFTWARE" if "KIMED_SOFTWARE" in environment else "the locked environment that `make` builds"
    if software not in SOFTWARE:
        raise ValueError(f"KIMED_SOFTWARE={software}: use one of {', '.join(SOFTWARE)}, or unset it")
    if software == "conda":
        demand_conda(environment)
    clustered, why_there = slurm.chosen(environment)
    cores = _permitted_cores(environment) if clustered else len(os.sched_getaffinity(0))
    sandbox = "bubblewrap, one box per job without network"
    if environment.get("KIMED_SANDBOX") == "none":
        sandbox = "NONE (KIMED_SANDBOX; the permit must allow it)"
    permit, _ = gate.places(environment)
    whose = "; the demonstration's, for test_data/ only" if permit.parent == gate.DEMONSTRATION else ""
    reasons = (
        f"executor: spe {'over SLURM' if clustered else 'on this machine'} ({why_there})",
        f"software: {software} ({why})",
        f"cores:    {cores}",
        f"sandbox:  {sandbox}",
        f"permit:   {permit}{whose}",
    )
    return Machine(software, cores, reasons)


def _permitted_cores(environment: Mapping[str, str]) -> int:
    """On a cluster, as many at the same time as the permit allows; what is wrong with it is the gate's to say."""
    try:
        return int(permits.load(gate.places(environment)[0]).content["resources"]["cores"])
    except (PermitError, OSError, KeyError, ValueError, TypeError):
        return 1


def announce(machine: Machine) -> str:
    """Say on stderr what was chosen, in the main process only; return an empty string for templates."""
    # Jobs start Snakemake again with these flags; they must not repeat the banner.
    if not {"--mode", "--target-jobs"} & set(sys.argv):
        sys.stderr.write("KIMed profile 'spe'\n" + "".join(f"  {line}\n" for line in machine.reasons))
    return ""


def hardware() -> dict[str, int | str]:
    """The class of this machine, without its name: processor kind, processors, memory in GB, graphics processors."""
    return {
        "architecture": platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "gpus": len(devices.present()),
    }


def versions() -> dict[str, str]:
    """Of what runs workflows here."""
    return {"python": platform.python_version(), "snakemake": version("snakemake")}
