from pathlib import Path

import cohort_steps
from matplotlib.image import imread

FIGURES = ("heat_map", "patient_map", "survival", "effects", "missingness")


def test_figures_are_pictures_of_a_readable_size(study: Path, empty_study: Path):
    for folder in (study, empty_study):
        for name in FIGURES:
            picture = imread(folder / f"{name}.png")
            assert picture.shape[0] >= 300 and 900 <= picture.shape[1] <= 1700
            assert picture[..., :3].std() > 0.02  # something is drawn


def test_same_tables_same_bytes(study: Path):
    before = {name: (study / f"{name}.png").read_bytes() for name in FIGURES}
    cohort_steps.plot(study)
    assert {name: (study / f"{name}.png").read_bytes() for name in FIGURES} == before


def test_no_software_or_date_is_written_into_the_picture(study: Path):
    head = (study / "survival.png").read_bytes()[:600]
    assert b"matplotlib" not in head.lower() and b"tEXt" not in head
