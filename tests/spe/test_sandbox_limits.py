"""Bombs: memory, processes, disk, time; and nothing lives on when Snakemake is killed. All bound themselves."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from spe import runs

from kimed_spe.jobs import Plan
from kimed_spe.limits import Groups, Limits, shell_limits
from kimed_spe.sandbox import Box, Mount, Sandbox
from kimed_spe.watch import Guard, Watch

CGROUP2 = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
MEMORY_BOMB = "python -c \"x = bytearray(600_000_000); print('survived', len(x))\""
SHARED_MEMORY_BOMB = "head -c 400000000 /dev/zero > /dev/shm/bomb && echo survived"
# 150 sleeping processes at most
FORK_BOMB = "n=0; while [ $n -lt 150 ]; do sleep 20 & n=$((n+1)); done; echo survived; kill $(jobs -p)"
LARGE_FILE = "head -c 120000000 /dev/zero > big && echo survived"
MANY_FILES = (
    "for n in 1 2 3 4 5 6; do head -c 30000000 /dev/zero > $TMPDIR/part$n; sleep 0.4; done; sleep 5; echo survived"
)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    (tmp_path / "work").mkdir()
    return Sandbox(tmp_path / "boxes")


def boxed(sandbox: Sandbox, command: str, kind: str = "", **resources: float) -> subprocess.CompletedProcess:
    """Run a command in a box with these resources; `kind` forces the weaker limits."""
    groups = Groups(f"kimed-test-{os.getpid()}")
    kind = kind or groups.kind
    limits = Limits.of(resources, 1)
    folders = groups.open("job", limits) if kind == groups.kind else []
    work = sandbox.folder.parent / "work"
    box = sandbox.box("job", [Mount(work, work, writable=True)], work, limits=limits, kind=kind, groups=folders)
    try:
        return sandbox.run(box, command, timeout=60)
    finally:
        groups.close_job(folders)
        groups.close()


@pytest.mark.parametrize("kind", ["", "rlimit"])
def test_memory_bomb(sandbox: Sandbox, kind: str):
    assert "survived" in boxed(sandbox, MEMORY_BOMB, kind, mem_mb=1500).stdout
    assert "survived" not in boxed(sandbox, MEMORY_BOMB, kind, mem_mb=200).stdout


@pytest.mark.parametrize("kind", ["", "rlimit"])
def test_memory_bomb_in_a_file_system(sandbox: Sandbox, kind: str):
    assert "survived" in boxed(sandbox, SHARED_MEMORY_BOMB, kind, mem_mb=1500).stdout
    assert "survived" not in boxed(sandbox, SHARED_MEMORY_BOMB, kind, mem_mb=200).stdout


def test_processors_are_those_that_were_asked_for(sandbox: Sandbox):
    if Groups(f"kimed-look-{os.getpid()}").kind == "rlimit" or (os.cpu_count() or 1) < 2:
        pytest.skip("processors are limited by control groups, and seen on two of them only")
    command = "for n in 1 2 3; do timeout 2 sh -c 'while :; do :; done' & done; wait; times"
    minutes = boxed(sandbox, command).stdout.splitlines()[-1].split()
    seconds = sum(float(part.split("m")[1].rstrip("s")) for part in minutes)
    # Three loops of two seconds on one processor; on two they would take four.
    assert 0.1 < seconds < 2.8


@pytest.mark.parametrize("kind", ["", "rlimit"])
def test_fork_bomb(sandbox: Sandbox, kind: str):
    if kind == "rlimit" and os.geteuid() == 0:
        pytest.skip("RLIMIT_NPROC does not bind root; root has control groups")
    run = boxed(sandbox, FORK_BOMB, kind, max_processes=50)
    assert run.returncode != 0 or "Resource temporarily unavailable" in run.stderr
    free = boxed(sandbox, FORK_BOMB, kind, max_processes=1000)
    assert "survived" in free.stdout and "unavailable" not in free.stderr


def test_large_file(sandbox: Sandbox):
    assert "survived" not in boxed(sandbox, LARGE_FILE, disk_mb=50).stdout
    assert "survived" in boxed(sandbox, LARGE_FILE, disk_mb=500).stdout


def test_groups_of_a_run_that_was_cut_off_are_removed():
    groups = Groups(f"kimed-test-{os.getpid()}")
    made = [*groups.open("job", Limits.of({"mem_mb": 100}, 1)), *groups.folders.values()]
    groups.close()
    assert not [path for path in made if path.exists()]


@pytest.mark.parametrize("delegated", ["memory pids cpu", "memory pids", "cpu pids", ""])
def test_version_2_is_used_as_its_documentation_says(tmp_path: Path, delegated: str, monkeypatch: pytest.MonkeyPatch):
    """Files and values of Documentation/admin-guide/cgroup-v2.rst, on a folder that only looks like one."""
    (tmp_path / "service/leaf").mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu io memory pids\n")
    (tmp_path / "service/cgroup.subtree_control").write_text(f"{delegated}\n")
    monkeypatch.setattr("kimed_spe.limits._own_groups", lambda: {"": "/service/leaf"})
    groups = Groups("run", tmp_path)
    if "memory" not in delegated:
        assert groups.kind == "rlimit" and not groups.folders
        return
    assert groups.kind == "cgroup2"
    own = tmp_path / "service/run"
    assert (own / "cgroup.subtree_control").read_text() == " ".join(f"+{name}" for name in delegated.split())
    (job,) = groups.open("job", Limits.of({"mem_mb": 100}, 2))
    values = {path.name: path.read_text() for path in job.iterdir()}
    assert values == {
        "pids.max": "384", "cpu.max": "200000 100000", "memory.max": "100000000", "memory.swap.max": "0",
        "memory.oom.group": "1",
    }  # fmt: skip


def test_version_2_ends_all_processes_of_a_group():
    """On a real hierarchy of version 2, even if its controllers are elsewhere."""
    mount = next((path for path in map(Path, CGROUP2) if (path / "cgroup.controllers").exists()), None)
    folder = mount / f"kimed-test-{os.getpid()}" if mount else None
    try:
        folder.mkdir()
    except (OSError, AttributeError):
        pytest.skip("no hierarchy of version 2 that this account may write")
    command = f"echo $$ > {folder}/cgroup.procs; setsid sleep 60 & sleep 60"
    process = subprocess.Popen(["bash", "-c", command], start_new_session=True)
    try:
        assert wait_for(lambda: len((folder / "cgroup.procs").read_text().split()) >= 3, True)
        everyone = [psutil.Process(int(pid)) for pid in (folder / "cgroup.procs").read_text().split()]
        Groups.close_job([folder])
        assert process.wait(5) == -signal.SIGKILL and not folder.exists()
        assert wait_for(lambda: any(each.is_running() and each.status() != "zombie" for each in everyone), False)
    finally:
        process.kill()


def test_limits_without_a_control_group_are_those_of_the_process():
    limits = Limits.of({"mem_mb": 200, "disk_mb": 10, "runtime": 2}, 2)
    assert limits == Limits(200_000_000, 384, 2, 10_000_000, 120)
    assert "ulimit -d 195312" in shell_limits("rlimit", limits)
    assert not [line for line in shell_limits("cgroup2", limits) if "-d" in line or "-u" in line]


@pytest.mark.parametrize("kind", ["cgroup2", "rlimit"])
def test_size_of_a_file_is_limited_alike_by_both_launchers(sandbox: Sandbox, kind: str):
    """A plain shell starts the box, or bash where processes have to be limited; their units differ."""
    work = sandbox.folder.parent / "work"
    mounts, limits = [Mount(work, work, writable=True)], Limits.of({"disk_mb": 2}, 1)
    box = sandbox.box("job", mounts, work, limits=limits, kind=kind, groups=[])
    run = sandbox.run(box, f"ulimit -u; head -c 4000000 /dev/zero > {work}/big; echo survived")
    assert (work / "big").stat().st_size == 2_000_000 // 1024 * 1024
    assert (run.stdout.split()[0] == str(limits.processes)) == (kind == "rlimit")


HOLES = "for n in 1 2 3 4 5 6; do truncate -s 90M $TMPDIR/hole$n; done; sleep 5; echo survived"
EMPTY_FILES = "cd $TMPDIR; for n in $(seq 400); do touch $(seq -f $n-%g 100); done; sleep 5; echo survived"
DELETED = (
    'for n in 3 4 5 6; do eval "exec $n>$TMPDIR/gone; rm $TMPDIR/gone; head -c 40000000 /dev/zero >&$n"; done;'
    " sleep 5; echo survived"
)


@pytest.mark.parametrize(
    ("resources", "command", "reason"),
    [
        ({"disk_mb": 100}, MANY_FILES, "disk_mb"), ({"runtime": 0.02}, "sleep 20; echo survived", "runtime"),
        ({"disk_mb": 100}, HOLES, "disk_mb"), ({"disk_mb": 100}, EMPTY_FILES, "disk_mb"),
        ({"disk_mb": 100}, DELETED, "disk_mb"),
    ],
    ids=["many files", "too long", "holes", "empty files", "deleted files"],
)  # fmt: skip
def test_watch_kills(sandbox: Sandbox, resources: dict, command: str, reason: str):
    work = sandbox.folder.parent / "work"
    limits = Limits.of(resources, 1)
    box = sandbox.box("job", [Mount(work, work, writable=True)], work, limits=limits, kind="rlimit", groups=[])
    watch = Watch()
    guard = Guard(box, limits, None, time.monotonic())
    watch.guards.append(guard)
    try:
        run = sandbox.run(box, command, timeout=60)
    finally:
        watch.close()
    assert reason in guard.reason
    assert "survived" not in run.stdout


def test_job_that_becomes_its_box_after_the_run_was_cancelled_is_killed(sandbox: Sandbox):
    """Ctrl-C between the start of the launcher and that of bubblewrap: nothing could be killed at that moment."""
    work = sandbox.folder.parent / "work"
    limits = Limits.of({}, 1)
    box = sandbox.box("job", [Mount(work, work, writable=True)], work, limits=limits, kind="rlimit", groups=[])
    launch = box.folder / "launch"
    launch.write_text(launch.read_text().replace("eval ", "sleep 1\neval "))
    watch = Watch()
    guard = Guard(box, limits, None, time.monotonic())
    watch.guards.append(guard)
    threading.Timer(0.5, watch.kill_all).start()
    begin = time.monotonic()
    try:
        run = sandbox.run(box, "sleep 30; echo survived", timeout=60)
    finally:
        watch.close()
    assert time.monotonic() - begin < 10
    assert "survived" not in run.stdout
    assert guard.reason


def test_no_job_starts_after_the_run_was_cancelled(sandbox: Sandbox):
    work = sandbox.folder.parent / "work"
    limits = Limits.of({}, 1)
    box = sandbox.box("job", [Mount(work, work, writable=True)], work, limits=limits, kind="rlimit", groups=[])
    plan = Plan("x", "job", (), (), ())
    watch = Watch()
    try:
        with watch.over(box, limits, plan) as guard:
            assert not guard.reason
        watch.kill_all()
        with watch.over(box, limits, plan) as guard:
            assert guard.reason
    finally:
        watch.close()


def test_nothing_lives_on_when_the_parent_is_killed(tmp_path: Path, sandbox: Sandbox):
    work = sandbox.folder.parent / "work"
    box: Box = sandbox.box(
        "job", [Mount(work, work, writable=True)], work, limits=Limits.of({}, 1), kind="rlimit", groups=[]
    )
    # The marker is an argument of a process that tries to detach itself.
    marker = str(400 + os.getpid() % 100)
    for prefix, survives in (([str(sandbox.launcher), "-c"], False), (["bash", "-c"], True)):
        command = f"setsid nohup sleep 30.{marker} >/dev/null 2>&1 & sleep 30"
        parent = subprocess.Popen(
            [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", *prefix, command],
            env={**os.environ, "TMPDIR": str(box.tmp)},
        )
        assert wait_for(lambda: sleepers(marker), True)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        ended = wait_for(lambda: not sleepers(marker), True, seconds=2)
        for process in sleepers(marker):
            process.kill()
        assert ended != survives


def sleepers(marker: str) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and process.info["cmdline"][-1] == f"30.{marker}"
    ]


def wait_for(condition, expected: bool, seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if bool(condition()) == expected:
            return True
        time.sleep(0.1)
    return False


def test_job_over_its_memory_fails_and_the_register_says_why(tmp_path: Path):
    project = runs.project(tmp_path)
    project.write(
        "Snakefile",
        'rule bomb:\n    output: "results/x"\n    resources: mem_mb=100\n'
        "    shell: \"python -c 'x = bytearray(300_000_000)' && touch {output}\"\n",
    )
    run = project.run()
    assert run.returncode != 0
    entry = project.entries("job")[0]["content"]
    assert entry["exit_code"] != 0 and not entry["outputs"]
    if entry["limits"]["by"] != "rlimit":
        assert entry["used"]["out_of_memory"] >= 1
        assert 0 < entry["used"]["cpu_seconds"] < 60
