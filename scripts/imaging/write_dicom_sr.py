"""Write the measurements of each series as a DICOM structured report (TID 1500) that refers to its segmentation."""

from pathlib import Path

import highdicom as hd
import pandas as pd
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes

from kimedlib.atomic import atomic_path
from kimedlib.dicom_results import (
    MANUFACTURER,
    MEASUREMENTS,
    MODEL,
    SERIAL,
    concept,
    object_uids,
    pseudonyms_allowed,
    random_uids,
    settle,
    unit,
)
from kimedlib.dicom_series import read_all
from kimedlib.imaging_tables import read_table, records
from kimedlib.logs import log_to
from kimedlib.problems import raise_if
from kimedlib.table_files import write_table


def group(
    segmentation: Dataset, sources: list[Dataset], number: int, row: dict[str, str]
) -> hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    """TID 1411 of one segment: what it is, and its measurements."""
    segment = segmentation.SegmentSequence[number - 1]
    kind, category = segment.SegmentedPropertyTypeCodeSequence[0], segment.SegmentedPropertyCategoryCodeSequence[0]
    values = [
        hd.sr.Measurement(name=concept(name), value=float(row[feature]), unit=unit(measured_in))
        for feature, (name, measured_in) in MEASUREMENTS.items()
        if row.get(feature)
    ]
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=segment.TrackingUID, identifier=segment.TrackingID),
        referenced_segment=hd.sr.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=number,
            source_series=hd.sr.SourceSeriesForSegmentation(
                referenced_series_instance_uid=sources[0].SeriesInstanceUID
            ),
        ),
        finding_type=hd.sr.CodedConcept.from_dataset(kind),
        finding_category=hd.sr.CodedConcept.from_dataset(category),
        measurements=values,
    )


def build(segmentation: Dataset, sources: list[Dataset], rows: dict[str, dict[str, str]]) -> hd.sr.Comprehensive3DSR:
    """The report of one series; `rows` are its measurements by region."""
    series = str(sources[0].SeriesInstanceUID)
    series_uid, instance_uid = object_uids(sources, "sr")
    device = hd.sr.DeviceObserverIdentifyingAttributes(uid=str(object_uids(sources, "device")[0]), name=MODEL)
    report = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(
            observer_device_context=hd.sr.ObserverContext(
                observer_type=codes.DCM.Device, observer_identifying_attributes=device
            )
        ),
        procedure_reported=concept(("363679005", "SCT", "Imaging procedure")),
        imaging_measurements=[
            group(segmentation, sources, number, rows[segment.SegmentLabel])
            for number, segment in enumerate(segmentation.SegmentSequence, 1)
        ],
    )
    made = hd.sr.Comprehensive3DSR(
        evidence=[segmentation, *sources],
        content=report,
        series_instance_uid=series_uid,
        series_number=9002,
        sop_instance_uid=instance_uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        manufacturer_model_name=MODEL,
        software_versions="1",
        device_serial_number=SERIAL,
        series_description="Measurements",
    )
    settle(made, sources[0], random_uids(made, {series_uid, instance_uid}, series, "sr"))
    return made


def main(*, rows: dict[str, Path], segmentations: Path, measurements: Path, folder: Path, table: Path) -> None:
    """Write.

    Parameters
    ----------
    rows
        Folder of the de-identified series by sample.
    segmentations
        Folder of `write_dicom_seg`.
    measurements
        Table of `measure_regions`; its values are written as they stand there.
    folder
        Gets <sample>.dcm for each segmentation.
    table
        sample, object (file name), regions, measurements (numbers in the report).

    Raises
    ------
    ValueError
        A segment has no measurements.
    """
    measured = read_table(measurements)
    folder.mkdir(parents=True, exist_ok=True)
    said = []
    for path in sorted(segmentations.glob("*.dcm")):
        sample, segmentation = path.stem, dcmread(path)
        regions = {row["region"]: row for row in records(measured[measured["sample"] == sample])}
        missing = {str(segment.SegmentLabel) for segment in segmentation.SegmentSequence} - set(regions)
        if missing:
            raise ValueError(f"{measurements}: sample {sample} has no row for {', '.join(sorted(missing))}")
        found, problems = read_all(rows[sample], pixels=False)
        raise_if(problems)
        with pseudonyms_allowed():
            made = build(segmentation, [dataset for _, dataset in found], regions)
        with atomic_path(folder / path.name) as temporary:
            made.save_as(temporary)
        numbers = sum(bool(row.get(feature)) for row in regions.values() for feature in MEASUREMENTS)
        said.append((sample, path.name, len(segmentation.SegmentSequence), numbers))
    write_table(pd.DataFrame(said, columns=["sample", "object", "regions", "measurements"]), table)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            rows=dict(zip(snakemake.params.samples, map(Path, snakemake.input.series), strict=True)),
            segmentations=Path(snakemake.input.segmentations),
            measurements=Path(snakemake.input.measurements),
            folder=Path(snakemake.output.folder),
            table=Path(snakemake.output.table),
        )
