"""Cases of an imaging manifest that judge biomarkers: IBSI's reference values and PyRadiomics' baselines."""

import ast
import csv
import math
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import SimpleITK
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PHANTOM_MODALITY = {"digital_phantom": "OT", "ct_phantom": "CT"}
BASELINE_LIMIT = 0.03  # PyRadiomics' own tests allow this relative deviation of their baselines
# Same definition under two names. Left out: MCC, energies and root mean square (PyRadiomics shifts intensities),
# diameters in planes and shape2D (not IBSI's).
NAMES = {
    "firstorder": {
        "stat": "Mean mean Variance var Skewness skew Kurtosis kurt Median median Minimum min Maximum max 10Percentile "
        "p10 90Percentile p90 InterquartileRange iqr Range range MeanAbsoluteDeviation mad "
        "RobustMeanAbsoluteDeviation rmad",
        "ih": "Entropy entropy Uniformity uniformity",
    },
    "shape": {
        "morph": "MeshVolume volume VoxelVolume vol_approx SurfaceArea area_mesh SurfaceVolumeRatio av Sphericity "
        "sphericity Maximum3DDiameter diam MajorAxisLength pca_maj_axis MinorAxisLength pca_min_axis "
        "LeastAxisLength pca_least_axis Elongation pca_elongation Flatness pca_flatness"
    },
    "glcm": {
        "cm": "Autocorrelation auto_corr JointAverage joint_avg ClusterProminence clust_prom ClusterShade clust_shade "
        "ClusterTendency clust_tend Contrast contrast Correlation corr DifferenceAverage diff_avg DifferenceEntropy "
        "diff_entr DifferenceVariance diff_var JointEnergy energy JointEntropy joint_entr Imc1 info_corr1 Imc2 "
        "info_corr2 Idm inv_diff_mom Idmn inv_diff_mom_norm Id inv_diff Idn inv_diff_norm InverseVariance inv_var "
        "MaximumProbability joint_max SumAverage sum_avg SumEntropy sum_entr SumSquares joint_var"
    },
    "glrlm": {
        "rlm": "ShortRunEmphasis sre LongRunEmphasis lre GrayLevelNonUniformity glnu GrayLevelNonUniformityNormalized "
        "glnu_norm RunLengthNonUniformity rlnu RunLengthNonUniformityNormalized rlnu_norm RunPercentage r_perc "
        "GrayLevelVariance gl_var RunVariance rl_var RunEntropy rl_entr LowGrayLevelRunEmphasis lgre "
        "HighGrayLevelRunEmphasis hgre ShortRunLowGrayLevelEmphasis srlge ShortRunHighGrayLevelEmphasis srhge "
        "LongRunLowGrayLevelEmphasis lrlge LongRunHighGrayLevelEmphasis lrhge"
    },
    "glszm": {
        "szm": "SmallAreaEmphasis sze LargeAreaEmphasis lze GrayLevelNonUniformity glnu "
        "GrayLevelNonUniformityNormalized glnu_norm SizeZoneNonUniformity zsnu SizeZoneNonUniformityNormalized "
        "zsnu_norm ZonePercentage z_perc GrayLevelVariance gl_var ZoneVariance zs_var ZoneEntropy zs_entr "
        "LowGrayLevelZoneEmphasis lgze HighGrayLevelZoneEmphasis hgze SmallAreaLowGrayLevelEmphasis szlge "
        "SmallAreaHighGrayLevelEmphasis szhge LargeAreaLowGrayLevelEmphasis lzlge LargeAreaHighGrayLevelEmphasis lzhge"
    },
    "gldm": {
        "ngl": "SmallDependenceEmphasis lde LargeDependenceEmphasis hde GrayLevelNonUniformity glnu "
        "DependenceNonUniformity dcnu DependenceNonUniformityNormalized dcnu_norm GrayLevelVariance gl_var "
        "DependenceVariance dc_var DependenceEntropy dc_entr LowGrayLevelEmphasis lgce HighGrayLevelEmphasis hgce "
        "SmallDependenceLowGrayLevelEmphasis ldlge SmallDependenceHighGrayLevelEmphasis ldhge "
        "LargeDependenceLowGrayLevelEmphasis hdlge LargeDependenceHighGrayLevelEmphasis hdhge"
    },
    "ngtdm": {
        "ngt": "Coarseness coarseness Complexity complexity Strength strength Contrast contrast Busyness busyness"
    },
}


def agreement(case: str, pairs: list[tuple[float | None, float, float]]) -> dict[str, float]:
    """Metrics of a case from (found or None, reference, tolerance); a feature that is missing is not within it."""
    within = sum(found is not None and abs(found - wanted) <= allowed for found, wanted, allowed in pairs)
    far = [abs(found / wanted - 1) for found, wanted, _ in pairs if found is not None and wanted]
    return {
        f"{case}.within_tolerance": float(within),
        f"{case}.total": float(len(pairs)),
        f"{case}.max_relative_deviation": max(far),
    }


def features(root: Path) -> dict[tuple[str, str, str], float]:
    """Biomarkers of a run by (sample, configuration, feature)."""
    table = pd.read_csv(root / "imaging/biomarkers.tsv", sep="\t")
    keys = zip(table["sample"], table["configuration"], table["feature"], strict=True)
    return dict(zip(keys, table["value"].astype(float), strict=True))


def reference_metrics(case: str, reference: Path, root: Path) -> dict[str, float]:
    """Found values, rounded to three significant digits as the references are, against value and tolerance."""
    found = {(configuration, name): value for (_, configuration, name), value in features(root).items()}
    pairs: list[tuple[float | None, float, float]] = []
    filtered: list[tuple[float | None, float, float]] = []
    for row in csv.DictReader(reference.read_text(encoding="utf-8").splitlines()):
        wanted, allowed = float(row["reference"]), float(row["tolerance"])
        value = found.get((row["config"], row["mirp_feature_key"]))
        rounded = None if value is None else float(f"{value:.3g}")
        pairs.append((rounded, wanted, allowed + 1e-9 * abs(wanted)))
    for identifier, feature, wanted, allowed in filter_references():
        value = found.get((f"ibsi2_{identifier.lower().replace('.', '_')}", feature))
        rounded = None if value is None else float(f"{value:.3g}")
        filtered.append((rounded, wanted, allowed + 1e-9 * abs(wanted)))
    return {**agreement(case, pairs), **agreement(f"{case}_filters", filtered)}


def filter_references() -> list[tuple[str, str, float, float]]:
    """Reference values of IBSI 2: configuration, feature, value, tolerance."""
    text = (REPOSITORY / "tests/benchmarks/ibsi2_reference_values.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line[0] != "#"][1:]
    return [(line[0], line[1], float(line[2]), float(line[3])) for line in lines]


def phantom_rows(case: dict[str, Any], folder: Path) -> list[dict[str, str]]:
    """Sheet rows of the phantoms: each folder holds one image and one mask."""
    rows = []
    for name, modality in PHANTOM_MODALITY.items():
        image, mask = (next(iter(sorted((folder / case[name]).rglob(f"{kind}/*.nii*")))) for kind in ("image", "mask"))
        rows.append(
            {"sample": name, "patient_id": name.replace("_", ""), "modality": modality, "task": "outline",
             "image": str(image), "outline": str(mask)}
        )  # fmt: skip
    return rows


def ibsi_sections() -> dict[str, Any]:
    """Sections `checks` and `radiomics` of the shipped configurations of IBSI."""
    said = yaml.safe_load((REPOSITORY / "config/real/imaging_ibsi.yaml").read_text(encoding="utf-8"))
    return {"checks": said["checks"], "radiomics": said["radiomics"]}


def sitk_to_nifti(image: Path, mask: Path, folder: Path) -> tuple[Path, Path]:
    """The same image and label 1 of its mask as NIfTI; intensities as they are."""
    name = image.name.removesuffix("_image.nrrd")
    targets = folder / f"{name}_image.nii.gz", folder / f"{name}_mask.nii.gz"
    folder.mkdir(parents=True, exist_ok=True)
    read = SimpleITK.ReadImage(str(image))
    SimpleITK.WriteImage(read, str(targets[0]))
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(mask)) == 1, str(targets[1]))
    # what is read back must be what was there, whatever the writer thinks of the type
    kept = np.asanyarray(nib.load(targets[0]).dataobj)
    assert np.array_equal(kept, SimpleITK.GetArrayFromImage(read).transpose()), image
    return targets


def baseline_settings(said: dict[str, Any]) -> tuple[str, dict[str, Any], str] | None:
    """Configuration (name, section) and aggregation of a baseline's settings; None where definitions differ.

    Resampling, normalisation and re-segmentation by range differ from IBSI's, so they are left out.
    """
    reseg = said.get("resegmentRange")
    sigma = said.get("resegmentMode") == "sigma"
    if said.get("resampledPixelSpacing") or said.get("normalize") or said.get("removeOutliers"):
        return None
    if reseg is not None and not (sigma and reseg[0] == -reseg[1]):
        return None
    bins = {"kind": "number", "value": said["binCount"]} if "binCount" in said else {"kind": "multiples"}
    bins.setdefault("value", said.get("binWidth", 25))
    sigmas = float(reseg[1]) if reseg else None
    name = re.sub(r"\W", "_", f"{bins['kind']}_{bins['value']}_{sigmas or 'all'}").lower()
    section = {
        "modalities": ["OT"], "spacing": [None] * 3, "interpolation": "linear", "rounding": False, "window": None,
        "sigmas": sigmas, "bins": bins, "volume_bins": {"kind": "number", "value": 1000}, "aggregation": ["2.5d", "3d"],
    }  # fmt: skip
    merged = said.get("weightingNorm") == "no_weighting"
    aggregation = "2.5d" if said.get("force2D") and said.get("force2Ddimension") == 0 else "3d"
    if said.get("force2D") and (aggregation == "3d" or merged):
        return None
    return name, section, {"2.5d": "2.5d_d_mrg", "3d": "3d_v_mrg" if merged else "3d_avg"}[aggregation]


def key_of(family: str, short: str, aggregation: str, suffix: str) -> str:
    """Our name of a feature."""
    plain = aggregation.split("_", maxsplit=1)[0]
    return {
        "cm": f"cm_{short}_d1_{aggregation}{suffix}",
        "rlm": f"rlm_{short}_{aggregation}{suffix}",
        "ngl": f"ngl_{short}_d1_a0.0_{plain}{suffix}",
        "szm": f"szm_{short}_{plain}{suffix}",
        "ngt": f"ngt_{short}_{plain}{suffix}",
        "ih": f"ih_{short}{suffix}",
    }.get(family, f"{family}_{short}")


def baseline_case(case: dict[str, Any], folder: Path, work: Path) -> tuple[list[dict[str, str]], dict[str, Any], list]:
    """Sheet rows, `radiomics.biomarkers` and what is expected: (sample, configuration, feature, value, offset)."""
    source = folder / case["folder"]
    rows, sections, expected = [], {}, []
    for image in sorted(source.glob("*_image.nrrd")):
        name = image.name.removesuffix("_image.nrrd")
        made, mask = sitk_to_nifti(image, source / f"{name}_label.nrrd", work / case["id"])
        rows.append(
            {"sample": name, "patient_id": name, "modality": "OT", "task": "outline", "image": str(made),
             "outline": str(mask)}
        )  # fmt: skip
    samples = {row["sample"] for row in rows}
    for table in sorted((source / "baseline").glob("baseline_*.csv")):
        kind = table.stem.removeprefix("baseline_")
        lines = {line[0]: line for line in csv.reader(table.read_text(encoding="utf-8").splitlines())}
        for column, sample in enumerate(lines["diagnostics_Configuration_TestCase"]):
            if sample not in samples:
                continue
            chosen = baseline_settings(ast.literal_eval(lines["diagnostics_Configuration_Settings"][column]))
            if chosen is None:
                continue
            configuration, section, aggregation = chosen
            sections[configuration] = section
            bins = section["bins"]
            suffix = f"_fbn_n{bins['value']}" if bins["kind"] == "number" else f"_fbs_w{float(bins['value'])}"
            for family, text in NAMES.get(kind, {}).items():
                words = text.split()
                for theirs, ours in zip(words[::2], words[1::2], strict=True):
                    value = float(lines[f"original_{kind}_{theirs}"][column])
                    value -= 3 if (kind, theirs) == ("firstorder", "Kurtosis") else 0  # theirs is not the excess
                    if math.isfinite(value):
                        expected.append((sample, configuration, key_of(family, ours, aggregation, suffix), value))
    return rows, sections, expected


def baseline_metrics(case: str, expected: list[tuple[str, str, str, float]], root: Path) -> dict[str, float]:
    """Agreement with the baselines within PyRadiomics' own limit."""
    found = features(root)
    pairs = [
        (found.get((sample, configuration, name)), value, BASELINE_LIMIT * abs(value) + 1e-12)
        for sample, configuration, name, value in expected
    ]
    return agreement(case, pairs)
