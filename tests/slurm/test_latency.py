"""Nodes and the submitting machine see each other's files late, as on network file systems: `--latency-wait`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm.cluster import Cluster, NoSlurm, install, provide
from slurm.governed import RESOURCES, until
from spe.runs import Project, project

# Not imported: it needs a library of the system that the fixture may still have to install.
LAGGING = Path(__file__).with_name("lagging.py")
SECONDS, WORKING_DIRECTORY = 1.0, 8.0
"""After which one machine sees a new file of the other: below the register, in the working directory."""
CHAIN = """
rule second:
    input: "results/first.txt", "results/parts"
    output: "results/second.txt"
    resources: mem_mb=200, runtime=3
    shell: "cat {input[0]} {input[1]}/* > {output}; echo second >> {output}"

rule first:
    input: "data/x.txt"
    output: "results/first.txt", directory("results/parts")
    benchmark: "bench/first.tsv"
    resources: mem_mb=200, runtime=3
    shell: "mkdir -p {output[1]}; cp {input} {output[0]}; echo part > {output[1]}/one"
"""


def mount(backing: Path, place: Path, *prefix: str) -> "subprocess.Popen[bytes]":
    after = (str(SECONDS), "project", str(WORKING_DIRECTORY))
    command = [*prefix, sys.executable, str(LAGGING), str(backing), str(place), *after]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Project]:
    """A project whose folder, register included, two clients of a server see; the nodes are one of them."""
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("only root can mount, and the kernel must have FUSE")
    try:
        provide()
        install(("fusermount3",), ("fuse3", "libfuse3-3"))
    except NoSlurm as reason:
        pytest.skip(str(reason))
    backing, place = tmp_path / "backing", tmp_path / "place"
    backing.mkdir()
    place.mkdir()
    near = mount(backing, place)
    nodes = mount(backing, place, "unshare", "--mount", "--propagation", "private")
    cluster = Cluster(tmp_path / "slurm", node_prefix=("nsenter", f"--target={nodes.pid}", "--mount", "--"))
    try:
        until(lambda: os.path.ismount(place))
        until(lambda: " fuse" in "".join(_mounts(nodes.pid, place)))
        cluster.start()
        found = project(place)
        found.environment = cluster.environment | {"KIMED_EXECUTOR": "slurm"}
        found.changes = {"resources": RESOURCES}
        found.write("data/x.txt", "honest\n")
        found.write("Snakefile", CHAIN)
        found.allow()
        yield found
    finally:
        cluster.stop()
        for process in (nodes, near):
            process.terminate()
            process.wait()


def _mounts(pid: int, place: Path) -> list[str]:
    lines = Path(f"/proc/{pid}/mounts").read_text().splitlines()
    return [line for line in lines if f" {place} " in line]


@pytest.mark.slow
def test_files_of_another_machine_are_seen_late(far: Project, tmp_path: Path):
    """First that they are: without that, the rest would prove nothing."""
    written = tmp_path / "backing" / "project" / "by_another_client"
    written.touch()
    began = time.monotonic()
    assert not (far.root / written.name).exists()
    until((far.root / written.name).exists)
    assert time.monotonic() - began > WORKING_DIRECTORY / 2
    patient = far.run("--scheduler", "greedy", "--latency-wait", "60", sign=False)
    assert patient.returncode == 0, patient.stdout
    assert (far.root / "results/second.txt").read_text() == "honest\npart\nsecond\n"
    assert [entry["content"]["exit_code"] for entry in far.entries("cluster.job")] == [0, 0]
    far.clean()
    hasty = far.run("--scheduler", "greedy", "--latency-wait", "0", sign=False)
    assert hasty.returncode == 1 and not (far.root / "results/second.txt").exists()
    assert "is not seen on this node (`--latency-wait`)" in hasty.stdout or "Missing output files" in hasty.stdout
