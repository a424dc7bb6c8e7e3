"""Write the segmented regions of each series as a DICOM Segmentation that refers to its (de-identified) images."""

from pathlib import Path

import highdicom as hd
import numpy as np
import pandas as pd
from pydicom import Dataset

from kimedlib.atomic import atomic_path
from kimedlib.dicom_results import (
    MANUFACTURER,
    MODEL,
    SERIAL,
    UNCODED,
    concept,
    labels_on_source,
    object_uids,
    pseudonyms_allowed,
    random_uids,
    settle,
    unsuitable,
)
from kimedlib.dicom_series import read_all, slice_places
from kimedlib.imaging_tables import label_names, passed_samples, read_table, records
from kimedlib.logs import log_to
from kimedlib.problems import raise_if
from kimedlib.table_files import write_table

Codes = dict[str, dict[str, list[str]]]


def sources_in_order(folder: Path) -> list[Dataset]:
    """Images of a series by place along the slice normal.

    Raises
    ------
    InputProblems
        A file cannot be read.
    """
    found, problems = read_all(folder, pixels=True)
    raise_if(problems)
    datasets = [dataset for _, dataset in found]
    places = slice_places(datasets)
    return [datasets[index] for index in np.argsort(places, kind="stable")] if len(places) else datasets


def describe(number: int, name: str, codes: Codes, series: str, by_network: bool) -> hd.seg.SegmentDescription:
    """A segment: its name, codes, and how it was made."""
    known = codes.get(name, {})
    algorithm = hd.AlgorithmIdentificationSequence(
        name="MONAI U-Net" if by_network else "classical brain mask",
        version="1",
        family=concept(("123109", "DCM", "Artificial Intelligence") if by_network else ("123105", "DCM", "Heuristic")),
    )
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=concept(known.get("category", UNCODED)),
        segmented_property_type=concept(known.get("type", [name[:16], "99KIMED", name])),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=object_uids([_series(series)], f"segment {name}")[1],
        tracking_id=name,
    )


def _series(uid: str) -> Dataset:
    dataset = Dataset()
    dataset.SeriesInstanceUID = uid
    return dataset


def build(
    sources: list[Dataset], mask: Path, names: dict[int, str], codes: Codes, by_network: bool
) -> hd.seg.Segmentation:
    """The Segmentation object of one series; segments are numbered in the order of label values.

    Raises
    ------
    ValueError
        No region is in the mask, or the mask is not on the grid of the images.
    """
    labels = labels_on_source(mask, sources)
    present = [(value, name) for value, name in names.items() if (labels == value).any()]
    if not present:
        raise ValueError("no region was found")
    series_uid, instance_uid = object_uids(sources, "seg")
    series = str(sources[0].SeriesInstanceUID)
    made = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=np.stack([labels == value for value, _ in present], axis=-1).astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            describe(number, name, codes, series, by_network) for number, (_, name) in enumerate(present, 1)
        ],
        series_instance_uid=series_uid,
        series_number=9001,
        sop_instance_uid=instance_uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions="1",
        device_serial_number=SERIAL,
        series_description="Automatic segmentation",
    )
    settle(made, sources[0], random_uids(made, {series_uid, instance_uid}, series, "seg"))
    return made


def main(
    *, rows: dict[str, Path], conversion: Path, checks: Path, evidence: Path, brains: Path, model: list[Path],
    masks: list[Path], codes: Codes, folder: Path, table: Path,
) -> None:  # fmt: skip
    """Write.

    Parameters
    ----------
    rows
        Folder of the de-identified series by sample.
    brains, masks
        Folders of `segment_brains` and `segment_regions`.
    codes
        Category and type of each region as [value, scheme, meaning]; others get a private code of their name.
    folder
        Gets <sample>.dcm.
    table
        sample, object (file name), segments, refused (why there is none).
    """
    accepted = read_table(evidence)
    brain_samples = set(accepted.loc[accepted["accepted"] == "yes", "sample"])
    names = label_names(model)
    folder.mkdir(parents=True, exist_ok=True)
    said = []
    for row in records(passed_samples(conversion, checks, ("brain", "lesion", "labels"))):
        sample, is_brain = row["sample"], row["task"] == "brain"
        if sample not in rows or (is_brain and sample not in brain_samples):
            continue
        sources = sources_in_order(rows[sample])
        reason, count = unsuitable(sources), 0
        if not reason:
            mask = (brains if is_brain else masks[0]) / f"{sample}.nii.gz"
            try:
                with pseudonyms_allowed():
                    made = build(sources, mask, {1: "brain"} if is_brain else names, codes, not is_brain)
            except ValueError as error:
                reason = str(error)
            else:
                count = len(made.SegmentSequence)
                with atomic_path(folder / f"{sample}.dcm") as temporary:
                    made.save_as(temporary)
        said.append((sample, "" if reason else f"{sample}.dcm", count, reason))
    write_table(pd.DataFrame(said, columns=["sample", "object", "segments", "refused"]), table)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            rows=dict(zip(snakemake.params.samples, map(Path, snakemake.input.series), strict=True)),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            evidence=Path(snakemake.input.evidence),
            brains=Path(snakemake.input.brains),
            model=[Path(path) for path in snakemake.input.model],
            masks=[Path(path) for path in snakemake.input.masks],
            codes=snakemake.params.codes,
            folder=Path(snakemake.output.folder),
            table=Path(snakemake.output.table),
        )
