"""Governed runs on a real SLURM: where jobs run, what is recorded, what is refused, and that nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm.cluster import Cluster
from slurm.governed import LONG, QUICK_AGAIN, RESOURCES, running, start, tidy_project, until
from spe.runs import Project

from kimed_spe import audit
from kimed_spe.register import Register

CHAIN = """
localrules: all, glue

rule all:
    input: "results/glue.txt"

rule where:
    input: "data/x.txt"
    output: "results/{part}.txt"
    log: "logs/{part}.txt"
    threads: 2
    resources:
        mem_mb=150, runtime=3, slurm_partition=lambda wildcards: wildcards.part,
        gpu=lambda wildcards: int(wildcards.part == "gpu")
    shell:
        "(: < /dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached > {output} && exit; "
        "(cat {input}; echo user $USER; tail -n +3 /proc/net/dev | cut -d: -f1; echo gpus ${{SLURM_GPUS_ON_NODE-0}};"
        " ls data; ls {secret} || echo hidden; head -c 40000000 /dev/zero | tail -c 1 | wc -c) > {output} 2> {log};"
        " echo said on the node"

rule glue:
    input: "results/cpu.txt", "results/gpu.txt"
    output: "results/glue.txt"
    script: "glue.py"
"""
GLUE = "open(snakemake.output[0], 'w').write(''.join(open(name).read() for name in snakemake.input))\n"


@pytest.fixture
def here(cluster: Cluster, tmp_path: Path) -> Iterator[Project]:
    yield from tidy_project(cluster, tmp_path)


@pytest.mark.parametrize("share", ["0", ""])
def test_jobs_run_on_nodes_in_boxes_and_are_recorded(share: str, here: Project, cluster: Cluster):
    """Also: a job on a node reaches no service of the node, and sees no file that it did not declare."""
    here.environment["KIMED_SLURM_SHARE"] = share
    here.write("data/undeclared.txt", "another person\n")
    service = socket.create_server(("127.0.0.1", 0))
    port = service.getsockname()[1]
    # The attack succeeds without the defence.
    attack = f"(: < /dev/tcp/127.0.0.1/{port}) && cat {here.root}/data/undeclared.txt"
    assert subprocess.run(["bash", "-c", attack], capture_output=True, check=True).stdout == b"another person\n"
    here.write("Snakefile", CHAIN.replace("{secret}", str(here.register)).replace("{port}", str(port)))
    here.write("glue.py", GLUE)
    run = here.run("--scheduler", "greedy")
    service.close()
    assert run.returncode == 0, run.stdout
    assert run.stdout.count("said on the node") == 2
    parts = (here.root / "results/glue.txt").read_text()
    box = "honest\nuser job\n    lo\ngpus {}\nx.txt\nhidden\n1\n"
    assert parts == box.format(0) + box.format(1)

    ran = {entry["content"]["node"]: entry["content"] for entry in here.entries("cluster.job")}
    assert set(ran) & {"cpu1", "cpu2"} and "gpu1" in ran and len(ran) == 2
    for content in ran.values():
        assert content["exit_code"] == 0 and content["problem"] == "" and content["slurm_id"].isdigit()
        # `tail -c 1` of 40 MB of zeros needs little, bubblewrap and bash some megabytes.
        assert 2e6 < content["max_rss"] < 150e6
        assert content["request"]["threads"] == 2 and content["request"]["mem_mb"] == 150
        assert content["shared"] == (share != "0")
    jobs = {entry["content"]["rule"]: entry["content"] for entry in here.entries("job")}
    assert jobs["where"]["slurm"]["slurm_id"] in {content["slurm_id"] for content in ran.values()}
    assert "slurm" not in jobs["glue"] and "results/glue.txt" in jobs["glue"]["outputs"]
    assert audit.read(Register(here.register)).findings == []
    assert cluster.queue() == [] and not list((here.register / "cluster").iterdir())


def test_requests_past_the_permit_are_refused(here: Project, cluster: Cluster):
    here.write("Snakefile", LONG.replace("mem_mb=100", "mem_mb=100, slurm_partition='cpu --wrap=id'"))
    run = here.run("--scheduler", "greedy")
    assert run.returncode == 1 and "is no name that SLURM knows" in run.stdout
    here.write("Snakefile", LONG.replace("runtime=3", "runtime=61"))
    run = here.run("--scheduler", "greedy")
    assert run.returncode == 1 and "resources.runtime" in run.stdout
    assert cluster.queue() == [] and here.entries("cluster.job") == []


def test_forced_without_a_controller(here: Project):
    here.write("Snakefile", LONG)
    here.environment["SLURM_CONF"] = "/dev/null"
    run = here.run("--scheduler", "greedy")
    assert run.returncode == 1 and "there is no SLURM to be reached" in run.stdout and here.entries("run.start") == []


def test_failure_without_accounting_ends_the_run(here: Project, cluster: Cluster):
    """D1: the stock plugin waits for ever where accounting is off."""
    here.write("Snakefile", LONG.replace("echo half > {output};", "echo half > {output}; echo why >&2; exit 3;"))
    began = time.monotonic()
    run = here.run("--scheduler", "greedy")
    assert run.returncode == 1 and "why" in run.stdout and time.monotonic() - began < 60
    (job,) = here.entries("cluster.job")
    assert job["content"]["exit_code"] == 3 and not (here.root / "results/long.txt").exists()
    assert cluster.queue() == []


def test_cancelled_job_is_noticed_and_run_again(here: Project, cluster: Cluster):
    """D2: the stock plugin never notices `scancel`."""
    here.write("Snakefile", QUICK_AGAIN)
    process = start(here, "--scheduler", "greedy", "--retries", "1")
    cluster.command("scancel", running(here, cluster))
    began = time.monotonic()
    text, _ = process.communicate(timeout=90)
    assert process.returncode == 0, text
    assert time.monotonic() - began < 60 and (here.root / "results/long.txt").read_text() == "done\n"
    first, second = here.entries("cluster.job")
    assert "CANCELLED" in first["content"]["problem"] and second["content"]["exit_code"] == 0
    assert cluster.queue() == []


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        signal.SIGKILL,
    ],
)
def test_nothing_is_left_when_the_run_is_ended(number: signal.Signals, here: Project, cluster: Cluster):
    here.write("Snakefile", LONG)
    process = start(here)
    job = running(here, cluster)
    process.send_signal(number)
    text, _ = process.communicate(timeout=60)
    assert process.returncode != 0, text
    # After SIGKILL only the watchdog is left to do it.
    until(lambda: not cluster.queue(), 30)
    assert "CANCELLED" in cluster.command("squeue", "-h", "-j", job, "-t", "all", "-o", "%T")
    assert not (here.root / "results/long.txt").exists()


MANY = """
rule all:
    input: expand("results/{name}.txt", name=["a", "b", "c"])

rule short:
    output: "results/{name}.txt"
    benchmark: "bench/{name}.tsv"
    resources: mem_mb=lambda wildcards: 600 if wildcards.name == "a" else 100, runtime=3
    params: size=lambda wildcards: 300_000_000 if wildcards.name == "a" else 1000
    shell:
        "python -c 'import time; x = bytearray({params.size}); time.sleep(3)';"
        " [ {wildcards.name} != b ] || exit 3; echo $PPID > {output}"
"""


def figures(path: Path) -> dict[str, float]:
    """What `benchmark:` wrote of one run."""
    names, values = (line.split("\t") for line in path.read_text().splitlines())
    return {name: float(value) for name, value in zip(names, values, strict=True) if ":" not in value}


def test_short_commands_share_a_job(here: Project, cluster: Cluster):
    """One fails, and what each used is told of it alone; `benchmark:` is of the command, not of who waits for it."""
    here.environment["KIMED_SLURM_SHARE"] = "5"
    here.write("Snakefile", MANY)
    run = here.run("--scheduler", "greedy", "--keep-going", "--jobs", "1", "--set-threads", "short=2")
    assert run.returncode == 1, run.stdout
    steps = {step["content"]["exit_code"]: step["content"] for step in here.entries("cluster.job")}
    assert len(here.entries("cluster.job")) == 3 and set(steps) == {0, 3}
    assert len({step["content"]["slurm_id"] for step in here.entries("cluster.job")}) == 1
    peaks = sorted(step["content"]["max_rss"] for step in here.entries("cluster.job"))
    assert peaks[0] < 100e6 and peaks[1] < 100e6 and 300e6 < peaks[2] < 500e6
    assert sorted(path.name for path in (here.root / "results").iterdir()) == ["a.txt", "c.txt"]
    large, small = (figures(here.root / f"bench/{name}.tsv") for name in "ac")
    assert 300 < large["max_rss"] < 500 and small["max_rss"] < 100 and large["max_rss"] > 3 * small["max_rss"]
    # The second one waited for the first; what each took itself is in the register as well.
    took = {round(step["content"]["seconds"], 3) for step in here.entries("cluster.job")}
    for found in (large, small):
        assert 3 <= found["s"] <= max(took) + 0.005  # two digits
    # Filling 300 MB takes some; samples of what the other one takes may be 0.00.
    assert large["cpu_time"] > 0
    assert cluster.queue() == [] and audit.read(Register(here.register)).findings == []


@pytest.mark.slow
def test_memory_that_grows_with_each_attempt(here: Project, cluster: Cluster):
    """What is reserved does not count, what is filled does; the second attempt asks for more, also of SLURM."""
    text = LONG.replace("mem_mb=100", "mem_mb=lambda wildcards, attempt: 150 * attempt")
    hog = "python -c 'import mmap, time; r = mmap.mmap(-1, 200 << 20); x = bytearray(180 << 20); time.sleep(4)'"
    here.write("Snakefile", text.replace("sleep 100", hog))
    run = here.run("--scheduler", "greedy", "--retries", "1")
    assert run.returncode == 0, run.stdout
    first, second = (entry["content"] for entry in here.entries("cluster.job"))
    assert "OUT_OF_MEMORY" in first["problem"] and first["request"]["mem_mb"] == 150
    assert second["exit_code"] == 0 and second["request"]["mem_mb"] == 300


def test_reap_finds_what_lost_supervisor_and_watchdog(here: Project, cluster: Cluster, tmp_path: Path):
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/bash\nsleep 100\n")
    node = os.uname().nodename
    gone = subprocess.Popen(["true"])
    gone.wait()
    marks = {"lost": f"kimed:abc:{node}:{gone.pid}:1", "elsewhere": f"kimed:abc:other:{gone.pid}:1", "foreign": "x"}
    jobs = {
        name: cluster.command("sbatch", "--parsable", f"--comment={mark}", "-o", "/dev/null", str(script)).strip()
        for name, mark in marks.items()
    }
    command = [sys.executable, "-m", "kimed_spe.cli", "cluster", "reap"]
    reaped = subprocess.run(command, env=here.variables(), capture_output=True, text=True, check=True).stdout
    assert [line.split("\t")[0] for line in reaped.splitlines()] == [jobs["lost"]]
    left = until(lambda: len(cluster.queue()) == 2 and cluster.queue())
    assert {line.split()[0] for line in left} == {jobs["elsewhere"], jobs["foreign"]}
    cluster.command("scancel", jobs["elsewhere"], jobs["foreign"])
    until(lambda: not cluster.queue())


def test_permit_that_was_withdrawn_while_the_job_waited(here: Project, cluster: Cluster):
    """The permit is checked on the node when the job starts, not only when it is submitted."""
    here.write("Snakefile", LONG)
    for node in ("cpu1", "cpu2"):
        cluster.command("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    try:
        process = start(here)
        until(lambda: [line for line in cluster.queue() if " PENDING " in line])
        here.changes = {"resources": RESOURCES, "valid_to": "2021-01-01T00:00:00Z"}
        here.allow()
    finally:
        for node in ("cpu1", "cpu2"):
            cluster.command("scontrol", "update", f"NodeName={node}", "State=RESUME")
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "refused on the node" in text and "valid_to" in text, text
    (refusal,) = here.entries("cluster.refusal")
    assert "valid_to" in refusal["content"]["problem"] and not (here.root / "results/long.txt").exists()


@pytest.mark.slow
def test_lost_node_and_requeue(here: Project, cluster: Cluster):
    """D3: the stock plugin fails to submit again after a node failure and leaves the requeued job behind."""
    here.write("Snakefile", QUICK_AGAIN)
    process = start(here, "--scheduler", "greedy", "--retries", "1")
    job = running(here, cluster)
    node = cluster.node_of(job)
    cluster.kill(node)
    try:
        text, _ = process.communicate(timeout=120)
    finally:
        cluster.start_node(node)
    assert process.returncode == 0, text
    first, second = here.entries("cluster.job")
    assert first["content"]["problem"] and first["content"]["node"] == node
    assert second["content"]["exit_code"] == 0 and second["content"]["node"] != node
    assert (here.root / "results/long.txt").read_text() == "done\n" and cluster.queue() == []
    until(lambda: len(cluster.idle()) == 3)


@pytest.mark.slow
def test_requeued_by_an_operator(here: Project, cluster: Cluster):
    here.write("Snakefile", LONG)
    process = start(here)
    job = running(here, cluster)
    cluster.command("scontrol", "update", f"JobId={job}", "Requeue=1")
    cluster.command("scontrol", "requeue", job)
    text, _ = process.communicate(timeout=90)
    assert process.returncode == 1 and ("after it had started" in text or "a second time" in text), text
    until(lambda: not cluster.queue(), 20)
    assert not (here.root / "results/long.txt").exists()
