"""Cine series are sorted in any order, contours are read as the data set names them, volumes follow geometry."""

import csv
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydicom import Dataset, dcmread

from kimedlib import check_cine
from kimedlib.cine_contours import contour_files, filled, polygon_area, read_contour
from kimedlib.cine_phantom import COLUMN, ROW
from kimedlib.cine_series import plane_affine, sort_cine
from kimedlib.cine_volumes import phase_volumes, ventricular_function
from kimedlib.dicom_series import series_problems
from kimedlib.problems import InputProblems

SHEET = "config/cine/imaging.cine.samples.tsv"


def image(place: float, phase: int, phases: int, beat: int = 800, **changes) -> Dataset:
    dataset = Dataset()
    dataset.ImageOrientationPatient = [*ROW, *COLUMN]
    dataset.ImagePositionPatient = list(place * np.cross(ROW, COLUMN) + 3 * ROW)
    dataset.SliceLocation = -place / 1.5  # misleading on purpose
    dataset.PixelSpacing = [1.5, 1.2]
    dataset.TriggerTime = beat * (phase + 0.3) / phases
    dataset.NominalInterval = beat
    dataset.InstanceNumber = 1
    for name, value in changes.items():
        setattr(dataset, name, value)
    return dataset


def test_order_beats_and_missing_images():
    """Beats of 700 to 1,000 ms; one slice and two single images are missing; files come in any order."""
    cells = [(place, phase) for place in (0, 1, 3, 4) for phase in range(20) if (place, phase) not in {(0, 4), (4, 19)}]
    order = np.random.default_rng(1).permutation(len(cells))
    cine = sort_cine([image(10 * cells[at][0], cells[at][1], 20, 700 + 75 * cells[at][0]) for at in order])
    assert cine.places_mm == pytest.approx([0, 10, 30, 40], abs=1e-6)
    assert cine.spacing_mm == pytest.approx(10)
    rank = {0: 0, 1: 1, 3: 2, 4: 3}
    assert cine.slices.tolist() == [rank[cells[at][0]] for at in order]
    assert cine.phases.tolist() == [cells[at][1] for at in order]


def test_two_phases_with_one_image_missing():
    """As in sets that hold contoured images only: the single image of the apex is end-diastolic."""
    cells = [(0, 7), (0, 19), (8, 7), (8, 19), (16, 19)]
    cine = sort_cine([image(place, phase, 20, 700 + 5 * place) for place, phase in cells])
    assert cine.phases.tolist() == [0, 1, 0, 1, 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, "not parallel"),
        ({"TriggerTime": 0.3 * 800 / 4}, "place and phase of another"),
        ({"ImagePositionPatient": None}, "ImagePositionPatient"),
    ],
)
def test_what_is_no_cine(change, said):
    images = [image(place, phase, 4) for place in (0, 8) for phase in range(4)]
    for name, value in change.items():
        if value is None:
            delattr(images[1], name)
        else:
            setattr(images[1], name, value)
    with pytest.raises(ValueError, match=said):
        sort_cine(images)


def test_one_phase_is_no_cine():
    with pytest.raises(ValueError, match="3 slices with at most 1 phases"):
        sort_cine([image(place, 0, 4) for place in (0, 8, 16)])


def test_gaps_are_problems_of_volumes_but_not_of_cines():
    volume = [(Path(f"{place}"), image(place, 0, 4)) for place in (0, 8, 16, 32)]
    assert any("slices missing" in problem.found for problem in series_problems("x", volume))
    cine = volume + [(Path(f"{place}b"), image(place, 1, 4)) for place in (0, 8, 16, 32)]
    assert series_problems("x", cine) == []


def test_affine_leads_to_the_position_of_each_pixel():
    """Against the equation of PS3.3 C.7.6.2.1.1, written out for one pixel."""
    first = image(8, 0, 4)
    column, row = 5, 7
    wanted = np.array(first.ImagePositionPatient) + ROW * 1.2 * column + COLUMN * 1.5 * row
    found = plane_affine(first, 8.0) @ [column, row, 0, 1]
    assert found[:3] * [-1, -1, 1] == pytest.approx(wanted)


def test_contour_names_of_the_data_set(tmp_path):
    for name in (
        "IM-0001-0048-icontour-manual.txt", "sub/IM-0001-0048-ocontour-manual.txt", "IM-0001-0060-icontour-auto.txt",
        "IM-0001-0048-p1contour-manual.txt", "notes.txt",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1 1\n4 1\n4 5\n")
    found, others, problems = contour_files(tmp_path)
    assert sorted(found) == [("inner", 48), ("inner", 60), ("outer", 48)]
    assert {path.name for path in others} == {"IM-0001-0048-p1contour-manual.txt", "notes.txt"}
    assert problems == []
    points, _ = read_contour(found["inner", 48])
    assert polygon_area(points) == 6.0


def test_broken_contours_name_their_lines(tmp_path):
    path = tmp_path / "IM-0001-0001-icontour-manual.txt"
    path.write_text("1 1\nx 2\n\n3 nan\n1 2 3\n")
    _, problems = read_contour(path)
    assert [problem.place for problem in problems] == ["line 2", "line 4", "line 5"]
    path.write_text("1 1\n2 2\n")
    assert "2 points" in read_contour(path)[1][0].found


def test_filled_outline_has_the_area_of_the_outline():
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    points = np.stack([20.3 + 9 * np.cos(angles), 30.7 + 6 * np.sin(angles)], axis=1)
    mask = filled(points, (64, 48))
    assert mask.sum() == pytest.approx(np.pi * 54, rel=0.02)
    assert np.mean(np.nonzero(mask), axis=1) == pytest.approx([20.3, 30.7], abs=0.1)


def test_volumes_fill_gaps_between_slices_and_not_beyond():
    places = np.array([0.0, 10.0, 30.0])
    areas = np.array([[300.0, 200.0], [200.0, 100.0], [100.0, np.nan]])
    assert phase_volumes(areas, places, 10.0) == pytest.approx([(300 + 200 + 150 + 100) / 100, 3.0])


def test_function_of_a_known_ventricle():
    """A cylinder: 10 slices of 1,000 mm2, half of it at end-systole; wall of 500 mm2."""
    inner = np.full((10, 3), [1000.0, 500.0, 900.0])
    inner[0, 2] = np.nan
    outer = np.full((10, 3), np.nan)
    outer[:, 0] = 1500.0
    found = ventricular_function(inner, outer, np.arange(10) * 8.0, 8.0)
    assert (found.end_diastole, found.end_systole) == (0, 1)
    assert (found.edv_ml, found.ef_percent) == pytest.approx((80, 50))
    assert found.mass_g == pytest.approx(40 * 1.05)
    with pytest.raises(ValueError, match="1 phases have outlines"):
        ventricular_function(inner[:, :1], outer[:, :1], np.arange(10) * 8.0, 8.0)


def sheet_frame(repository: Path) -> pd.DataFrame:
    return pd.read_csv(repository / SHEET, sep="\t", dtype=str, keep_default_na=False)


def test_shipped_sheet_passes_and_wrong_ones_say_everything(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    frame = sheet_frame(repository)
    assert check_cine.check_files(frame, SHEET) == []
    for number in (998, 999):
        (tmp_path / f"IM-0001-0{number}-icontour-manual.txt").write_text("1 1\n2 2\n900 3\n")
    (tmp_path / "IM-0001-0001-icontour-manual.txt").write_text("1 1\n2 2\n900 3\n")
    frame.loc[0, "contours"] = str(tmp_path)
    frame.loc[1, "contours"] = "nowhere"
    frame.loc[2, ["image", "contours"]] = ["absent", ""]
    said = "\n".join(map(str, check_cine.check_files(frame, SHEET)))
    for part in (
        "2 of 3 images with contours are not in the series: 998, 999",
        "leaves the image",
        "no folder nowhere",
        "absent",
    ):
        assert part in said


def test_a_name_in_both_sheets(repository):
    frame = sheet_frame(repository)
    with pytest.raises(InputProblems, match="is in the image sheet as well"):
        check_cine.check_names(frame, frame.iloc[:1], SHEET)


@pytest.mark.real_data
def test_ejection_fractions_of_the_sunnybrook_contours(kimed_data, tmp_path):
    """Published contours; fractions by an independent count (docs/benchmarks.md)."""
    with tarfile.open(kimed_data / "imaging/sunnybrook/sunnybrook_5pts_contoured_slices.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    fractions = []
    with (tmp_path / "link.csv").open() as lines:
        links = list(csv.DictReader(lines))
    for link in links:
        files = sorted((tmp_path / "dicoms" / link["patient_id"]).glob("*.dcm"))
        datasets = [dcmread(path, stop_before_pixels=True) for path in files]
        cine = sort_cine(datasets)
        inner = np.full((cine.slices.max() + 1, cine.phases.max() + 1), np.nan)
        contours, _, _ = contour_files(tmp_path / "contourfiles" / link["original_id"])
        for (kind, instance), path in contours.items():
            if kind == "inner":
                at = [int(dataset.InstanceNumber) for dataset in datasets].index(instance)
                rows, columns = map(float, datasets[at].PixelSpacing)
                inner[cine.slices[at], cine.phases[at]] = polygon_area(read_contour(path)[0]) * rows * columns
        fractions.append(ventricular_function(inner, np.full_like(inner, np.nan), cine.places_mm, cine.spacing_mm))
    assert [round(found.ef_percent, 1) for found in fractions] == [26.2, 25.5, 21.8, 33.0, 25.8]
    assert fractions[0].edv_ml == pytest.approx(191, abs=0.5)  # 128 ml by SliceLocation
