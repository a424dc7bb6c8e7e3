"""Folders of boxes are used again only where a job left no trace by which the next could tell it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from spe import runs

from kimed_spe.folders import Folders, common_names


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    shelf = Folders(tmp_path)
    shelf.common = frozenset({"home"})
    return shelf


def used(folders: Folders, name: str = "job") -> Path:
    folder = folders.take(name)
    for part in ("tmp/home", "out0"):
        (folder / part).mkdir(parents=True)
    for part in ("args", "launch", "pids"):
        (folder / part).write_text("1")
    return folder


def ended(folder: Path) -> list[Path]:
    """The groups of a job that has ended: removed."""
    return [folder.parent / "group-that-is-gone"]


def test_without_traces_it_is_used_again_and_forgets_its_processes(folders: Folders):
    folder = used(folders)
    os.utime(folder / "tmp", (1, 1))
    folders.give_back(folder, ended(folder))
    again = folders.take("another")
    assert again == folder
    assert (again / "pids").read_text() == ""
    assert (again / "tmp").stat().st_mtime > 1
    assert folders.take("another") == folder.parent / "another"


def test_folder_of_a_job_that_never_started_is_used_again(folders: Folders):
    folder = used(folders)
    (folder / "pids").unlink()
    folders.give_back(folder, ended(folder))
    assert folders.take("another") == folder


TRACES: dict[str, Callable[[Path], object]] = {
    "a file in its temporary folder": lambda folder: (folder / "tmp/left").write_text("x"),
    "a file where a mount point is": lambda folder: (folder / "tmp/home/left").write_text("x"),
    "another name in /tmp": lambda folder: (folder / "tmp/other").mkdir(),
    "a link in place of a mount point": lambda folder: (
        (folder / "tmp/home").rmdir(), (folder / "tmp/home").symlink_to("/etc")
    ),
    "an output that nobody declared": lambda folder: (folder / "out0/left").write_text("x"),
    "a mode": lambda folder: (folder / "tmp").chmod(0o700),
    "the mode of outputs' folder": lambda folder: (folder / "out0").chmod(0o777),
    "linked inputs": lambda folder: (folder / "in0").mkdir(),
}  # fmt: skip


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_deletes_it(folders: Folders, name: str):
    folder = used(folders)
    TRACES[name](folder)
    folders.give_back(folder, ended(folder))
    assert not folder.exists()
    assert folders.free == []


def test_an_extended_attribute_is_a_trace(folders: Folders):
    folder = used(folders)
    try:
        os.setxattr(folder / "tmp", "user.covert", b"1")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    folders.give_back(folder, ended(folder))
    assert not folder.exists()


@pytest.mark.parametrize("groups", [[], ["alive"], ["gone", "alive"]])
def test_no_proof_that_all_processes_ended(folders: Folders, groups: list[str]):
    folder = used(folders)
    (folder.parent / "alive").mkdir()
    folders.give_back(folder, [folder.parent / name for name in groups])
    assert not folder.exists()


def test_names_in_tmp():
    places = [Path("/tmp"), Path("/tmp/a/b"), Path("/tmp/c"), Path("/usr"), Path("/tmporary/d")]
    assert common_names(places) == {"a", "c"}


NEXT = """
rule all:
    input: "results/2.txt"

rule first:
    output: "results/1.txt"
    shell: "echo $TMPDIR > {output}; {spoil}"

rule second:
    input: "results/1.txt"
    output: "results/2.txt"
    shell: "(echo $TMPDIR; find /tmp $TMPDIR -name '*trace-of-one*' || true) > {output}"
"""
SPOILED = {
    "nothing": ("true", True),
    "in TMPDIR": ("touch $TMPDIR/trace-of-one", False),
    "in /tmp": ("mkdir -p /tmp/trace-of-one/trace-of-one", False),
    "beside its output": ("touch results/trace-of-one", False),
    "a process that outlives it": ("(sleep 0.2; touch $TMPDIR/trace-of-one) > /dev/null 2>&1 &", None),
}


@pytest.mark.parametrize("name", SPOILED)
def test_the_next_job_of_a_run_sees_nothing_of_it(tmp_path: Path, name: str):
    command, again = SPOILED[name]
    project = runs.project(tmp_path)
    project.write("Snakefile", NEXT.replace("{spoil}", command))
    run = project.run("--cores", "1")
    assert run.returncode == 0, run.stdout
    first = (project.root / "results/1.txt").read_text().strip()
    place, *found = (project.root / "results/2.txt").read_text().split()
    assert found == []
    if again is not None and "cgroup" in project.entries("job")[0]["content"]["limits"]["by"]:
        assert (place == first) == again
