"""Governed runs on a real SLURM: what the tests of this folder start, wait for, and leave nothing of."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slurm.cluster import Cluster
from spe.runs import Project, project

# One job that writes something and then waits long.
LONG = """
rule long:
    output: "results/long.txt"
    resources: mem_mb=100, runtime=3
    shell: "echo half > {output}; sleep 100; echo done > {output}"
"""
# Long in its first attempt only.
QUICK_AGAIN = LONG.replace("sleep 100", "sleep {resources.n}").replace(
    "mem_mb=100", "mem_mb=100, n=lambda wildcards, attempt: [100, 1][attempt - 1]"
)
RESOURCES = {"cores": 8, "jobs": 1000, "mem_mb": 8000, "runtime": 60, "disk_mb": 5000, "gpus": 1}
STARTED: "list[subprocess.Popen[str]]" = []


def tidy_project(cluster: Cluster, folder: Path) -> Iterator[Project]:
    """A project whose commands get a job each; nothing of it is left for the next test."""
    found = project(folder)
    found.environment = cluster.environment | {"KIMED_EXECUTOR": "slurm", "KIMED_SLURM_SHARE": "0"}
    found.changes = {"resources": RESOURCES}
    found.write("data/x.txt", "honest\n")
    yield found
    for process in STARTED:
        process.kill()
        process.wait()
    STARTED.clear()
    cluster.command("scancel", "-u", str(os.getuid()))


def start(here: Project, *arguments: str) -> "subprocess.Popen[str]":
    here.allow()
    command = [
        sys.executable,
        "-m",
        "kimed_spe.enclosure",
        "--cores",
        "2",
        "--nocolor",
        "--executor",
        "spe",
        *arguments,
    ]
    process = subprocess.Popen(
        command, cwd=here.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=here.variables()
    )
    STARTED.append(process)
    return process


def until(ready: Any, seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.2)
    return found


def running(here: Project, cluster: Cluster) -> str:
    """Number of the one running job, when its command has begun to write."""
    until(lambda: list(here.root.glob(".snakemake/spe/run-*/*/out*/long.txt")))
    (line,) = cluster.queue()
    assert " RUNNING " in line
    return line.split()[0]
