"""Contours enclose the planted areas; the committed cines come from the seed."""

from pathlib import Path

import numpy as np
import pytest
import simulate_cines
import yaml

from kimedlib.cine_contours import contour_files, polygon_area, read_contour
from kimedlib.dicom_series import read_all, slice_places


def test_committed_cines_come_from_the_config(repository: Path, tmp_path: Path):
    config = yaml.safe_load((repository / "config/synthetic.yaml").read_text())
    settings = config["imaging"]["cine"]
    simulate_cines.main(
        folder=tmp_path / "cine", sheet=tmp_path / "sheet.tsv", truth=tmp_path / "truth.tsv", seed=config["seed"],
        settings=settings,
    )  # fmt: skip
    committed = repository / "test_data/imaging/cine"
    made = [path for path in sorted((tmp_path / "cine").rglob("*")) if path.is_file()]
    assert len(made) > 60
    for path in made:
        assert path.read_bytes() == (committed / path.relative_to(tmp_path / "cine")).read_bytes()
    assert (tmp_path / "truth.tsv").read_bytes() == (repository / "test_data/truth/cines.tsv").read_bytes()
    # what the contours of the first patient enclose is what was planted
    heart = simulate_cines.plan_heart(1, settings, config["seed"])
    contours, _, _ = contour_files(tmp_path / "cine/C001/contours")
    for (kind, instance), path in contours.items():
        place, phase = divmod(instance - 1, heart.phases)
        radius = heart.radii(place, phase)[kind == "outer"]
        area = polygon_area(read_contour(path)[0]) * settings["pixel_mm"] ** 2
        assert area == pytest.approx(np.pi * radius**2, rel=0.005)


def test_slice_location_is_a_trap(repository: Path):
    found, _ = read_all(repository / "test_data/imaging/cine/C001/dicom", pixels=False)
    datasets = [dataset for _, dataset in found]
    span = np.ptp(slice_places(datasets))
    assert np.ptp([float(dataset.SliceLocation) for dataset in datasets]) == pytest.approx(span * 2 / 3, rel=1e-3)
