"""Release-safe outputs: whatever a job plants in place of a plain file never arrives, alone and in a real run."""

import os
import shutil
import socket
import stat
from pathlib import Path

import pytest
from spe import runs

from kimed_spe import outputs
from kimed_spe.outputs import UnsafeOutput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret").write_text("patient 4711")
    (tmp_path / "out").mkdir()
    return tmp_path


def fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path, _: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(path.name)
    finally:
        os.chdir(before)


def device(path: Path, _: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes device nodes")
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))


def set_user_id(path: Path, _: Path) -> None:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o4755)


PLANTED = {
    "symbolic link to a file": lambda path, secret: path.symlink_to(secret),
    "symbolic link to a folder": lambda path, secret: path.symlink_to(secret.parent),
    "dangling symbolic link": lambda path, secret: path.symlink_to("nowhere"),
    "hard link": lambda path, secret: os.link(secret, path),
    "FIFO": fifo,
    "socket": unix_socket,
    "device": device,
    "set-user-id": set_user_id,
}


@pytest.mark.parametrize("where", ["output", "in a folder", "deep in a folder"])
@pytest.mark.parametrize("name", PLANTED)
def test_planted_output_is_refused(folder: Path, name: str, where: str):
    top = folder / "out" / "result"
    path = {"output": top, "in a folder": top / "x", "deep in a folder": top / "a" / "b" / "x"}[where]
    path.parent.mkdir(parents=True, exist_ok=True)
    PLANTED[name](path, folder / "other" / "secret")
    with pytest.raises(UnsafeOutput, match=r"link|FIFO|socket|device|set-user-id"):
        outputs.publish(top, folder / "taken")
    assert not os.path.lexists(folder / "taken")
    if name in ("symbolic link to a file", "hard link") and where == "output":
        # The proof that the attack works where nobody looks: a copy holds the other project's data.
        shutil.copy(path, folder / "copied")
        assert (folder / "copied").read_text() == "patient 4711"


def test_plain_files_and_folders_arrive(folder: Path):
    (folder / "out" / "tree" / "deep").mkdir(parents=True)
    (folder / "out" / "tree" / "deep" / "file").write_text("content")
    (folder / "place" / "old").mkdir(parents=True)
    outputs.publish(folder / "out" / "tree", folder / "place")
    assert (folder / "place" / "deep" / "file").read_text() == "content"
    assert not (folder / "place" / "old").exists()


def test_way_to_an_output_has_no_links(folder: Path):
    (folder / "out" / "results").symlink_to(folder / "other")
    with pytest.raises(UnsafeOutput, match="symbolic link"):
        outputs.check(folder / "out" / "results" / "secret", folder / "out")
    with pytest.raises(UnsafeOutput, match="not inside"):
        outputs.check(folder / "out" / ".." / "other" / "secret", folder / "out")


def test_open_safely_neither_follows_nor_waits(folder: Path):
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(folder / "other" / "secret")
    for name in ("pipe", "link"):
        with pytest.raises(UnsafeOutput):
            outputs.open_safely(folder / name)
    os.close(outputs.open_safely(folder / "other" / "secret"))


def test_digest_of_a_folder_knows_names_and_contents(folder: Path):
    top = folder / "out"
    (top / "a").write_text("1")
    first = outputs.digest(top)
    (top / "a").rename(top / "b")
    second = outputs.digest(top)
    (top / "b").write_text("2")
    assert len({first.sha256, second.sha256, outputs.digest(top).sha256}) == 3
    assert first.size == 1


def test_digests_notice_a_change(folder: Path):
    digests = outputs.Digests()
    path = folder / "other" / "secret"
    before = digests.of(path)
    assert digests.of(path) is before
    path.write_text("patient 4712")
    os.utime(path, ns=(1, 1))
    assert digests.of(path) != before


COMMANDS = {
    "link": "ln -s {secret} {{output}}",
    "folder_link": "mkdir results/link.d && ln -s {secret} results/link.d/x && ln -s link.d {{output}}",
    "fifo": "mkfifo {{output}}",
    "hardlink": "echo x > {{output}} && ln {{output}} results/second",
    "setuid": "echo x > {{output}} && chmod 4755 {{output}}",
    "parent": "echo x > {{output}} && mv results/parent.txt ../escaped.txt && ln -s ../../escaped.txt {{output}}",
}


def test_planted_outputs_of_real_jobs_never_arrive(folder: Path):
    project = runs.project(folder / "site")
    secret = folder / "other" / "secret"
    text = "rule all:\n    input: " + ", ".join(f"'results/{name}.txt'" for name in COMMANDS) + "\n"
    for name, command in COMMANDS.items():
        text += f"rule {name}:\n    output: 'results/{name}.txt'\n    shell: '{command.format(secret=secret)}'\n"
    project.write("Snakefile", text)
    run = project.run("--keep-going")
    assert run.returncode != 0
    assert not [path for path in (project.root / "results").rglob("*") if not path.is_dir()]
    entries = {entry["content"]["rule"]: entry["content"] for entry in project.entries("job")}
    assert set(entries) == set(COMMANDS)
    assert all(not entry["outputs"] and entry["error"] for entry in entries.values())
    assert not (folder / "site" / "escaped.txt").exists()

    # Without the defence, Snakemake takes them all.
    project.clean()
    project.run("--keep-going", sandboxed=False)
    taken = {path.name for path in (project.root / "results").iterdir()}
    assert {"link.txt", "fifo.txt", "hardlink.txt", "setuid.txt"} <= taken
    assert (project.root / "results/link.txt").read_text() == "patient 4711"
