"""Reports carry the numbers of the table; read back by walking the content tree with plain pydicom."""

import pandas as pd
import pytest
import write_dicom_sr
from clinic_steps import SERIES, report
from pydicom import dcmread

from kimedlib.dicom_results import MEASUREMENTS


def numbers(dataset):
    """Every NUM item of the tree: (code, unit) to value."""
    found = {}

    def walk(items):
        for item in items:
            if item.ValueType == "NUM":
                measured = item.MeasuredValueSequence[0]
                name = item.ConceptNameCodeSequence[0]
                key = (name.CodeValue, name.CodingSchemeDesignator, measured.MeasurementUnitsCodeSequence[0].CodeValue)
                found[key] = float(measured.NumericValue)
            walk(item.get("ContentSequence", []))

    walk(dataset.ContentSequence)
    return found


@pytest.mark.parametrize("sample", ["P001_ct", "P001_mr"])
def test_values_are_those_of_the_table(chain, clinic, sample):
    table = pd.read_csv(chain / "measurements.tsv", sep="\t").set_index("sample")
    found = numbers(dcmread(clinic / "sr" / f"{sample}.dcm"))
    assert len(found) == len(MEASUREMENTS)
    for feature, ((code, scheme, _), (unit, _)) in MEASUREMENTS.items():
        assert found[code, scheme, unit] == table.loc[sample, feature], feature


def test_template_and_references(chain, clinic):
    dataset, segmentation = dcmread(clinic / "sr/P001_ct.dcm"), dcmread(clinic / "seg/P001_ct.dcm")
    assert dataset.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert dataset.PatientID == "P001" and dataset.StudyInstanceUID == segmentation.StudyInstanceUID
    evidence = {
        item.ReferencedSOPInstanceUID
        for study in dataset.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    sources = {dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in (chain / SERIES["P001_ct"]).iterdir()}
    assert evidence == sources | {segmentation.SOPInstanceUID}


def test_same_bytes_again(chain, clinic, tmp_path):
    report(chain, clinic / "seg", tmp_path)
    for path in sorted((clinic / "sr").iterdir()):
        assert path.read_bytes() == (tmp_path / "sr" / path.name).read_bytes()


def test_segment_without_measurement(chain, clinic, tmp_path):
    pd.read_csv(chain / "measurements.tsv", sep="\t").iloc[:0].to_csv(tmp_path / "none.tsv", sep="\t", index=False)
    rows = {sample: chain / folder for sample, folder in SERIES.items()}
    with pytest.raises(ValueError, match="sample P001_ct has no row for lesion"):
        write_dicom_sr.main(
            rows=rows, segmentations=clinic / "seg", measurements=tmp_path / "none.tsv", folder=tmp_path / "sr",
            table=tmp_path / "sr.tsv",
        )  # fmt: skip
