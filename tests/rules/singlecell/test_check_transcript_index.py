"""`check_transcript_index`: a ready index whose table of genes lacks a transcript, and a file that is no index."""

import subprocess
import sys
from pathlib import Path

import pytest
from singlecell_reads import run_step


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ready")
    (folder / "t.fa").write_text(">T1\n" + "ACGGTCATTGCA" * 9 + "\n>T2\n" + "GATTACACCGTA" * 9 + "\n")
    kallisto = Path(sys.executable).parent / "kallisto"
    command = [kallisto, "index", "-i", folder / "t.idx", "-T", folder / "tmp", folder / "t.fa"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "t.idx"


def checked(index: Path, folder: Path, t2g: str):
    (folder / "t2g.tsv").write_text(t2g)
    inputs, outputs = {"index": index, "t2g": folder / "t2g.tsv"}, {"names": folder / "names.txt"}
    return run_step("check_transcript_index", folder, inputs=inputs, outputs=outputs, params={})


def test_names_are_listed(index: Path, tmp_path: Path):
    assert checked(index, tmp_path, "T1\tG1\nT2\tG1\nT3\tG3\n").returncode == 0
    assert (tmp_path / "names.txt").read_text().split() == ["T1", "T2"]


def test_an_unlisted_transcript_is_named(index: Path, tmp_path: Path):
    run = checked(index, tmp_path, "T1\tG1\n")
    assert run.returncode != 0 and "lacks 1 transcripts" in run.stdout and "first T2" in run.stdout
    assert not (tmp_path / "names.txt").exists()


def test_another_file_is_no_index(tmp_path: Path):
    (tmp_path / "x.idx").write_bytes(b"no index at all" * 100)
    run = checked(tmp_path / "x.idx", tmp_path, "T1\tG1\n")
    assert run.returncode != 0 and "is no index of kallisto" in run.stdout
