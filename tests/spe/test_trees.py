"""Digests of data sets and workflows: as sha256sum computes them, and blind to nothing that could be run or read."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kimed_spe import canonical, trees

# The command that docs/spe/admin.md gives to people without this package.
COMMAND = r"find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"


def fill(root: Path) -> Path:
    """A folder with awkward names."""
    for name, text in {
        "a.txt": "1", "b/c.txt": "2", "b.txt": "3", ".hidden": "4", "B.txt": "5", "ä b.txt": "6", "b/.d/e": "",
    }.items():  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_manifest_of_data_is_that_of_sha256sum(tmp_path: Path):
    fill(tmp_path / "data")
    run = subprocess.run(["bash", "-c", COMMAND], cwd=tmp_path / "data", capture_output=True, text=True, check=True)
    assert trees.dataset(tmp_path / "data").digest == run.stdout.split()[0]
    assert COMMAND in (trees.__doc__ or "").replace("`", "")


def test_single_file_is_a_data_set(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1")
    assert trees.dataset(tmp_path / "a.txt").files == {"a.txt": canonical.sha256(b"1")}


@pytest.mark.parametrize("name", ["a\nb", "a\rb"])
def test_names_that_break_lines_are_refused(tmp_path: Path, name: str):
    """They could make one manifest look like another."""
    (tmp_path / name).write_text("x")
    with pytest.raises(trees.TreeProblem, match="line break"):
        trees.dataset(tmp_path)


def test_what_is_no_data_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    for path, why in [(tmp_path / "fifo", "neither"), (tmp_path / "none", "No such"), (tmp_path, "neither")]:
        with pytest.raises(trees.TreeProblem, match=why):
            trees.dataset(path)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a").write_text("x")

    def denied(_: Path) -> str:
        raise PermissionError("denied")

    monkeypatch.setattr(canonical, "sha256_file", denied)
    with pytest.raises(trees.TreeProblem, match="cannot be hashed"):
        trees.dataset(tmp_path)


def test_hashing_does_not_wait_at_a_fifo_and_follows_no_link(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="regular"):
        canonical.sha256_file(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    with pytest.raises(OSError, match=r"symbolic|levels"):
        canonical.sha256_file(tmp_path / "link")


@pytest.mark.parametrize(
    ("layout", "snakefile", "expected"),
    [
        ([".git/"], "workflows/a/Snakefile", "."),
        ([], "workflow/Snakefile", "."),
        ([], "workflow/rules/deep/Snakefile", "."),
        ([], "workflows/a/Snakefile", "."),
        ([], "here/Snakefile", "here"),
    ],
)
def test_source_root(tmp_path: Path, layout: list[str], snakefile: str, expected: str):
    for name in layout:
        (tmp_path / name).mkdir()
    (tmp_path / snakefile).parent.mkdir(parents=True)
    (tmp_path / snakefile).write_text("")
    assert trees.source_root(tmp_path / snakefile) == (tmp_path / expected).resolve()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    fill(tmp_path / "w")
    for name in ("w/results", "w/b/__pycache__"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text("x")
    return tmp_path / "w"


def digest(source: Path, *sources: str) -> str:
    return trees.workflow(source, list(sources) or ["."], ["results"]).digest


def test_workflow_leaves_out_what_the_guide_says(source: Path):
    files = trees.workflow(source, ["."], ["results"]).files
    assert set(files) == {"a.txt", "b/c.txt", "b.txt", "B.txt", "ä b.txt"}
    assert set(trees.workflow(source, ["b", "a.txt"], []).files) == {"b/c.txt", "a.txt"}


def rename(source: Path) -> None:
    (source / "a.txt").rename(source / "z.txt")


def swap(source: Path) -> None:
    """The same contents under each other's names."""
    one, two = (source / "a.txt").read_text(), (source / "b.txt").read_text()
    (source / "a.txt").write_text(two)
    (source / "b.txt").write_text(one)


CHANGES: dict[str, Callable[[Path], object]] = {
    "one byte": lambda source: (source / "b/c.txt").write_text("3"),
    "one byte more": lambda source: (source / "b/c.txt").write_text("2\n"),
    "new file": lambda source: (source / "b/new.py").write_text(""),
    "new file in a new folder": lambda source: fill(source / "new"),
    "removed": lambda source: (source / "b.txt").unlink(),
    "renamed": rename,
    "swapped": swap,
    "link": lambda source: (source / "l").symlink_to("a.txt"),
    "bytecode without source": lambda source: (source / "b/mod.pyc").write_bytes(b"x"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change_is_seen(source: Path, name: str):
    before = digest(source)
    CHANGES[name](source)
    assert digest(source) != before


def test_change_is_seen_although_the_digest_is_remembered(source: Path, monkeypatch: pytest.MonkeyPatch):
    """Same size, same inode, modification time put back: only the kernel's change time tells."""
    file = source / "b/c.txt"
    monkeypatch.setattr(trees, "SETTLED_NS", -1)
    before, status = digest(source), file.stat()
    read: list[Path] = []
    monkeypatch.setattr(
        canonical, "sha256_file", lambda path, once=canonical.sha256_file: read.append(path) or once(path)
    )
    assert digest(source) == before and read == []
    time.sleep(0.05)
    file.write_text(file.read_text().swapcase().replace("2", "3"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (file.stat().st_ino, file.stat().st_size) == (status.st_ino, status.st_size)
    assert digest(source) != before and read == [file]


def test_digest_of_a_file_that_just_changed_is_not_remembered(source: Path):
    """Two changes within one step of the file system's clock leave the same times."""
    known = set(trees._KNOWN)
    digest(source)
    assert set(trees._KNOWN) == known


def test_link_counts_as_its_text_and_must_stay_inside(source: Path):
    (source / "l").symlink_to("a.txt")
    before = digest(source)
    (source / "l").unlink()
    (source / "l").symlink_to("b.txt")
    assert digest(source) != before
    for target in ("/etc/passwd", "results/x.txt", "none", ".hidden"):
        (source / "l").unlink()
        (source / "l").symlink_to(target)
        with pytest.raises(trees.TreeProblem, match="no file of the workflow"):
            digest(source)


def test_results_and_hidden_files_do_not_count(source: Path):
    before = digest(source)
    (source / "results/y.txt").write_text("y")
    (source / ".snakemake").mkdir()
    (source / ".snakemake/log").write_text("y")
    assert digest(source) == before


@pytest.mark.parametrize("sources", [["none"], ["../w"], ["/etc/.."]])
def test_bad_sources_are_refused(source: Path, sources: list[str]):
    with pytest.raises(trees.TreeProblem):
        digest(source, *sources)


def test_fifo_in_a_workflow_is_refused(source: Path):
    os.mkfifo(source / "fifo")
    with pytest.raises(trees.TreeProblem, match="neither"):
        digest(source)
