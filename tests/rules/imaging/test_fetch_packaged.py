"""Files come out of packages unchanged, and only if their digest is the pinned one."""

import fetch_packaged
import imaging_steps  # noqa: F401 puts scripts/imaging on the path
import pytest
import yaml

CT = "pydicom/data/test_files/CT_small.dcm"


def test_pinned_file(repository, tmp_path):
    pinned = yaml.safe_load((repository / "config/packaged/imaging.yaml").read_text())["packaged"]["ct_small.dcm"]
    fetch_packaged.main(source=CT, sha256=pinned["sha256"], target=tmp_path / "ct.dcm")
    assert (tmp_path / "ct.dcm").read_bytes()[128:132] == b"DICM"


def test_other_content(tmp_path):
    with pytest.raises(ValueError, match="another package version"):
        fetch_packaged.main(source=CT, sha256="0" * 64, target=tmp_path / "ct.dcm")
    assert not (tmp_path / "ct.dcm").exists()


def test_package_not_installed(tmp_path):
    with pytest.raises(FileNotFoundError, match="not installed"):
        fetch_packaged.main(source="no_such_package/x", sha256="0" * 64, target=tmp_path / "x")
