"""The sheet has one line per series, with references where there are any."""

import imaging_steps
import list_images
import pytest


def test_sheet(tmp_path):
    imaging_steps.simulate(tmp_path)
    rows = {row["sample"]: row for row in imaging_steps.sheet_rows(tmp_path)}
    assert {name: row["task"] for name, row in rows.items()} == {
        "P001_ct": "lesion",
        "P001_mr": "brain",
        "P001_scout": "none",
        "P001_screen_save": "none",
    }
    assert float(rows["P001_ct"]["reference_volume_ml"]) == pytest.approx(9.0, rel=2e-3)
    assert rows["P001_scout"]["label"] == ""


def test_folder_without_series(tmp_path):
    imaging_steps.simulate(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no series"):
        list_images.main(
            patients=["P001"], folders=[tmp_path / "empty"], lesion_masks=[tmp_path / "x"],
            brain_masks=[tmp_path / "y"], lesions=[tmp_path / "lesions.tsv"], phi=[tmp_path / "phi.tsv"],
            sheet=tmp_path / "s", all_lesions=tmp_path / "l",
            all_phi=tmp_path / "p",
        )  # fmt: skip
