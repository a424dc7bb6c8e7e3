"""Cases of an imaging manifest as runs of the workflow; what a case is follows from its `kind` and fields alone."""

import gzip
import sys
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

import imaging_radiomics as radiomics
from bench import REPOSITORY, Run
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

VOLUME_TOLERANCE = 1e-4  # relative; the table rounds to six digits
MODALITIES = ("CT", "MR", "PT")
PATCH_STEP, LARGEST_PATCH = 8, 96


def base_config() -> dict[str, Any]:
    """The shipped config; the settings for hippocampus-like tasks come from config/real."""
    config: dict[str, Any] = yaml.safe_load((REPOSITORY / "config/imaging.yaml").read_text(encoding="utf-8"))
    real = yaml.safe_load((REPOSITORY / "config/real/imaging.yaml").read_text(encoding="utf-8"))
    config["network"] |= real["network"]
    config["radiomics"]["biomarkers"] = {}
    return config


def write_run(
    work: Path, case: str, rows: list[dict[str, str]], config: dict[str, Any], targets: list[str],
    metrics: Callable[[Path], dict[str, float]],
) -> Run:  # fmt: skip
    """Write sheet and config of a case."""
    sheet = work / f"{case}.samples.tsv"
    pd.DataFrame(rows).to_csv(sheet, sep="\t", index=False)
    path = work / f"{case}.yaml"
    path.write_text(yaml.safe_dump({**config, "samples": str(sheet)}), encoding="utf-8")
    return Run("imaging", path, targets, metrics)


def unpack_series(archive: Path, folder: Path) -> list[tuple[Path, str]]:
    """Unpack an archive and link its DICOM files into one folder per series; returns (folder, modality)."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "unpacked", filter="data")
    series: dict[str, tuple[Path, str]] = {}
    for file in sorted(path for path in (folder / "unpacked").rglob("*") if path.is_file()):
        try:
            header = dcmread(file, stop_before_pixels=True)
        except InvalidDicomError:
            continue
        key = str(header.SeriesInstanceUID)
        if key not in series:
            modality = str(header.get("Modality", ""))
            series[key] = (folder / f"series_{len(series) + 1:03d}", modality if modality in MODALITIES else "OT")
            series[key][0].mkdir(parents=True)
        target = series[key][0] / f"{len(list(series[key][0].iterdir())) + 1:05d}.dcm"
        target.hardlink_to(file)
    return list(series.values())


def table(root: Path, name: str) -> pd.DataFrame:
    """A result table."""
    return pd.read_csv(root / "imaging" / name, sep="\t", keep_default_na=False)


def segmentation_metrics(case: str, names: dict[str, str], root: Path) -> dict[str, float]:
    """Mean Dice per label and median absolute volume error over labels and test cases."""
    scores = table(root, "scores.tsv").set_index(["sample", "metric"])["value"]
    found = {f"{case}.dice_{name}": float(scores["all", f"mean_dice_{name}"]) for name in names.values()}
    errors = [abs(float(value)) for (_, metric), value in scores.items() if metric.startswith("volume_error_pct_")]
    return {**found, f"{case}.volume_error_median_pct": median(errors)}


def identical_metrics(case: str, references: Path, root: Path) -> dict[str, float]:
    """Reference NIfTI files of which the workflow made an identical one, byte by byte, as a share; and their number."""
    made = {gzip.decompress(path.read_bytes()) for path in (root / "imaging/bids").rglob("*.nii.gz")}
    wanted = [path.read_bytes() for path in sorted(references.rglob("*.nii"))]
    wanted += [gzip.decompress(path.read_bytes()) for path in sorted(references.rglob("*.nii.gz"))]
    return {
        f"{case}.byte_identical": sum(reference in made for reference in wanted) / len(wanted),
        f"{case}.total": float(len(wanted)),
    }


def brain_metrics(case: str, metric: str, root: Path) -> dict[str, float]:
    """Whether every image was refused (metric `refused`) or measured as a brain (metric `accepted`)."""
    measured = set(table(root, "measurements.tsv")["sample"])
    samples = set(table(root, "conversion.tsv")["sample"])
    held = not measured if metric == "refused" else measured == samples
    return {f"{case}.{metric}": float(held)}


def segmentation_run(case: dict[str, Any], folder: Path, work: Path) -> Run:
    """Train on the cases that are not test cases, report on those that are."""
    images, labels = folder / case["images"], folder / case["labels"]
    names = sorted(path.name for path in images.iterdir() if path.name.endswith((".nii", ".nii.gz")))
    chosen = [(number % case["test_every"] == 0, name) for number, name in enumerate(names)]
    rows = [
        {
            "sample": name.split(".")[0], "patient_id": f"case{number}", "modality": case.get("modality", "MR"),
            "task": "labels", "image": str(images / name), "label": str(labels / name),
        }
        for number, (test, name) in enumerate(chosen) if test
    ]  # fmt: skip
    training = work / f"{case['id']}.training.tsv"
    pd.DataFrame(
        [
            {"case_id": name.split(".")[0], "image": str(images / name), "label": str(labels / name)}
            for test, name in chosen
            if not test
        ]
    ).to_csv(training, sep="\t", index=False)
    shapes = np.array([nib.load(images / name).shape for name in names])
    patch = np.minimum(-(-shapes.max(axis=0) // PATCH_STEP) * PATCH_STEP, LARGEST_PATCH)
    config = base_config()
    label_names = {str(value): name for value, name in case["label_names"].items()}
    config["network"] |= {"training": str(training), "label_names": label_names, "patch": [int(size) for size in patch]}
    return write_run(work, case["id"], rows, config, [], partial(segmentation_metrics, case["id"], label_names))


def image_rows(case: dict[str, Any], folder: Path, work: Path, task: str) -> list[dict[str, str]]:
    """Sheet rows of a case that names an archive of DICOM files or one NIfTI image."""
    if "image" in case:
        sources = [(folder / case["image"], case.get("modality", "MR"))]
    else:
        sources = unpack_series(folder / case["archive"], work / case["id"])
    return [
        {
            "sample": f"{case['id']}_{number}",
            "patient_id": f"P{number}",
            "modality": modality,
            "task": task,
            "image": str(path),
        }
        for number, (path, modality) in enumerate(sources, 1)
    ]


def lesion_run(case: dict[str, Any], folder: Path, work: Path) -> Run:
    """Lesions of PET images that show little more than the lesion's surroundings: the whole image is searched."""
    rows = []
    for number, patient in enumerate(case["patients"], 1):
        place = folder / patient
        rows.append(
            {"sample": place.name, "patient_id": f"P{number}", "modality": "PT", "task": "uptake",
             "image": str(place / "PET_image.nii.gz"), "label": str(place / "PET_mask.nii.gz")}
        )  # fmt: skip
    config = yaml.safe_load((REPOSITORY / "config/imaging.yaml").read_text(encoding="utf-8"))
    return write_run(work, case["id"], rows, config, [], partial(lesion_metrics, case["id"]))


def lesion_metrics(case: str, root: Path) -> dict[str, float]:
    """Mean Dice over patients and median absolute volume error."""
    scores = table(root, "scores.tsv").set_index(["sample", "metric"])["value"]
    return {
        f"{case}.dice_lesion": float(scores["all", "mean_dice_lesion"]),
        f"{case}.volume_error_median_pct": float(scores["all", "median_abs_volume_error_pct_lesion"]),
    }


def volume_run(case: dict[str, Any], folder: Path, work: Path) -> Run:
    """Volumes of a segmentation that is given: measured, not found. No whole-body network is in the workflow."""
    labels = str(folder / case["labels"])
    row = {
        "sample": case["id"], "patient_id": "P1", "modality": case.get("modality", "CT"), "task": "outline",
        "image": str(folder / case["image"]), "outline": labels, "label": labels,
    }  # fmt: skip
    config = base_config() | {"outline_names": {str(key): name for key, name in case.get("label_names", {}).items()}}
    return write_run(work, case["id"], [row], config, ["measure_regions"], partial(volume_metrics, case["id"], labels))


def volume_metrics(case: str, labels: str, root: Path) -> dict[str, float]:
    """Volumes in the table against voxels counted in the file as it is stored, times the volume of its voxel."""
    image = nib.load(labels)
    voxel = abs(float(np.linalg.det(image.affine[:3, :3]))) / 1000
    values, counts = np.unique(np.asarray(image.dataobj), return_counts=True)
    wanted = [float(count) * voxel for value, count in zip(values, counts, strict=True) if value]
    found = table(root, "measurements.tsv")["volume_ml"].astype(float).to_list()
    assert len(found) == len(wanted), f"{case}: {len(found)} regions in the table, {len(wanted)} in the file"
    errors = [abs(one / other - 1) for one, other in zip(found, wanted, strict=True)]
    return {
        f"{case}.volume_error_median_pct": 100 * median(errors),
        f"{case}.within_tolerance": float(sum(error <= VOLUME_TOLERANCE for error in errors)),
        f"{case}.total": float(len(wanted)),
    }


def radiomics_run(case: dict[str, Any], folder: Path, work: Path) -> Run:
    """Biomarkers of regions that are given, against published values."""
    config = base_config() | radiomics.ibsi_sections()
    if case["kind"] == "radiomics_reference":
        rows = radiomics.phantom_rows(case, folder)
        metrics = partial(radiomics.reference_metrics, case["id"], folder / case["reference"])
    else:
        rows, config["radiomics"]["biomarkers"], expected = radiomics.baseline_case(case, folder, work)
        metrics = partial(radiomics.baseline_metrics, case["id"], expected)
    return write_run(work, case["id"], rows, config, ["measure_biomarkers"], metrics)


def outlined_series(images: Path, contours: Path, target: Path) -> Path:
    """The folder, or if it holds several series one with those files whose series has the most contours."""
    numbers = {int(path.name.split("-")[2]) for path in contours.rglob("IM-*contour*.txt")}
    series: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(path for path in images.iterdir() if path.is_file()):
        try:
            header = dcmread(path, stop_before_pixels=True)
        except InvalidDicomError:
            path.unlink()
            continue
        series.setdefault(str(header.SeriesInstanceUID), []).append((int(header.InstanceNumber), path))
    if len(series) < 2:
        return images
    best = max(series.values(), key=lambda files: len({number for number, _ in files} & numbers))
    target.mkdir()
    for _, path in best:
        (target / path.name).hardlink_to(path)
    return target


def cine_rows(folder: Path, expected: list[float]) -> list[dict[str, str]]:
    """Cine sheet of an unpacked archive in the layout of the Sunnybrook data: link.csv, dicoms/, contourfiles/.

    `expected` is in the order of link.csv; without that file, DICOM and contour folders have the same names.
    """
    links = sorted(folder.rglob("link.csv"))
    if links:
        named = [(row["patient_id"], row["original_id"]) for row in pd.read_csv(links[0], dtype=str).to_dict("records")]
    else:
        named = sorted({(path.parent.name, path.parent.name) for path in folder.rglob("i-contours")})
    folders = {path.name: path for path in sorted(folder.rglob("*")) if path.is_dir()}
    outlined = {path.parent.name: path.parent for path in sorted(folder.rglob("i-contours"))}
    rows = []
    for number, (images, contours) in enumerate(named):
        if images not in folders or contours not in outlined:
            continue
        series = folders[images]
        if images == contours:
            series = next(path.parent for path in sorted(folder.rglob("*.dcm")) if images in path.parts)
        series = outlined_series(series, outlined[contours], folder / f"series_{number:03d}")
        rows.append(
            {
                "sample": contours, "patient_id": f"H{number + 1:03d}", "image": str(series),
                "contours": str(outlined[contours]),
                "reference_ef_percent": str(expected[number]) if number < len(expected) else "",
            }
        )  # fmt: skip
    return rows


def cine_metrics(case: str, root: Path) -> dict[str, float]:
    """Error of the ejection fraction: mean of the network's, largest of the contours', in points."""
    scores = table(root, "cine/scores.tsv").set_index(["sample", "metric"])["value"]
    return {f"{case}.{name}": float(scores["all", name]) for name in ("ef_mae", "ef_max_error_contours")}


def cine_run(case: dict[str, Any], folder: Path, work: Path) -> Run:
    """Leave-one-patient-out over all patients of an archive."""
    with tarfile.open(folder / case["archive"]) as packed:
        packed.extractall(work / case["id"], filter="data")
    rows = cine_rows(work / case["id"], [float(value) for value in case["reference_ef_percent"]])
    sheet = work / f"{case['id']}.cine.tsv"
    pd.DataFrame(rows).to_csv(sheet, sep="\t", index=False)
    shipped, real = (
        yaml.safe_load((REPOSITORY / "config" / name).read_text(encoding="utf-8"))
        for name in ("imaging.yaml", "real/imaging_cine.yaml")
    )
    path = work / f"{case['id']}.yaml"
    path.write_text(yaml.safe_dump(shipped | {"cine": real["cine"] | {"samples": str(sheet)}}), encoding="utf-8")
    return Run("imaging", path, ["measure_cines"], partial(cine_metrics, case["id"]))


def prepare(manifest: dict[str, Any], data: Path, work: Path) -> list[Run]:
    """Runs of all supported cases of a manifest; paths of the manifest are relative to `data`."""
    runs = []
    for case in manifest["cases"]:
        kind = case["kind"]
        if kind == "segmentation_train_test":
            runs.append(segmentation_run(case, data, work))
        elif kind == "dicom_to_nifti":
            rows = image_rows(case, data, work, "none")
            config = base_config()
            # the references were made of the files as they are
            config["deidentification"]["enabled"] = False
            metrics = partial(identical_metrics, case["id"], work / case["id"] / "unpacked")
            runs.append(write_run(work, case["id"], rows, config, ["check_images"], metrics))
        elif kind == "volume_with_reference":
            runs.append(volume_run(case, data, work))
        elif kind == "lesion":
            runs.append(lesion_run(case, data, work))
        elif kind in ("radiomics_reference", "radiomics_baseline"):
            runs.append(radiomics_run(case, data, work))
        elif kind == "cardiac_cine":
            runs.append(cine_run(case, data, work))
        elif kind in ("must_refuse_as_brain", "must_accept_as_brain"):
            metric = "refused" if kind == "must_refuse_as_brain" else "accepted"
            rows = image_rows(case, data, work, "brain")
            metrics = partial(brain_metrics, case["id"], metric)
            runs.append(write_run(work, case["id"], rows, base_config(), ["measure_regions"], metrics))
    return runs
