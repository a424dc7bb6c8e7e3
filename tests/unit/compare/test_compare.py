"""What holds for every comparator: statuses, tolerances, folders, fingerprints."""

import subprocess
import sys
from pathlib import Path

import pytest

from kimed_compare import Status, ToleranceError, Unreadable, compare, fingerprint


def test_exact_looks_at_every_byte(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"same")
    (tmp_path / "b").write_bytes(b"same")
    (tmp_path / "c").write_bytes(b"sane")
    assert compare("exact", tmp_path / "a", tmp_path / "b", {}).status is Status.IDENTICAL
    assert compare("exact", tmp_path / "a", tmp_path / "c", {}).status is Status.DIFFERS
    assert fingerprint("exact", tmp_path / "a") == fingerprint("exact", tmp_path / "b")
    assert fingerprint("exact", tmp_path / "a") != fingerprint("exact", tmp_path / "c")


def test_missing_is_no_pass(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"same")
    assert compare("exact", tmp_path / "a", tmp_path / "b", {}).status is Status.MISSING
    assert compare("exact", tmp_path / "b", tmp_path / "a", {}).status is Status.NOT_COMPARABLE
    with pytest.raises(Unreadable, match="does not exist"):
        fingerprint("exact", tmp_path / "b")


def test_unknown_names_are_errors(tmp_path: Path):
    with pytest.raises(ToleranceError, match=r"no comparator 'extract'.*exact"):
        compare("extract", tmp_path, tmp_path, {})
    with pytest.raises(ToleranceError, match="no tolerance 'relatve'"):
        compare("exact", tmp_path, tmp_path, {"relatve": 1})


def test_importing_is_cheap():
    heavy = ["numpy", "pandas", "pysam", "anndata", "nibabel", "pydicom", "skimage", "sklearn", "PIL", "jsonschema"]
    program = f"import kimed_compare, sys; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
