"""`spe scan` finds identifiers in files as the field's own libraries write them, and none in the same files without."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kimed_spe import scan

NAME, OTHER = "MRN-00418273", "XQZ-99999999"
BASES = "ACGTTGCAAC" * 10


def alignments(path: Path, *, header: str = OTHER, comment: str = OTHER, read: str = OTHER, mode: str = "wb") -> None:
    pysam = pytest.importorskip("pysam")
    reference = path.with_name("reference.fa")
    reference.write_text(f">chr1\n{BASES * 10}\n")
    pysam.faidx(str(reference))
    content = {
        "HD": {"VN": "1.6"}, "SQ": [{"SN": "chr1", "LN": 1000}], "RG": [{"ID": "1", "SM": header}], "CO": [comment],
    }  # fmt: skip
    with pysam.AlignmentFile(str(path), mode, header=content, reference_filename=str(reference)) as file:
        segment = pysam.AlignedSegment(file.header)
        segment.query_name, segment.query_sequence = read, BASES
        segment.flag, segment.reference_id, segment.reference_start, segment.cigar = 0, 0, 0, ((0, len(BASES)),)
        segment.query_qualities = pysam.qualitystring_to_array("I" * len(BASES))
        file.write(segment)


def variants(path: Path, *, sample: str = OTHER, line: str = OTHER) -> None:
    pysam = pytest.importorskip("pysam")
    header = pysam.VariantHeader()
    header.add_line("##contig=<ID=chr1,length=1000>")
    header.add_line(f"##command=call --sample {line}")
    header.add_sample(sample)
    with pysam.VariantFile(str(path), "wb" if path.suffix == ".bcf" else "wz", header=header) as file:
        file.write(file.new_record(contig="chr1", start=1, alleles=("A", "C")))


def image(path: Path, *, patient: str = OTHER, private: str = OTHER, deflated: bool = False) -> None:
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian if deflated else ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    dataset.PatientID = patient
    dataset.private_block(0x0011, "MAKER", create=True).add_new(1, "LO", private)
    dataset.save_as(path, enforce_file_format=True)


def volume(path: Path, *, description: str = OTHER, extension: str = OTHER) -> None:
    nibabel = pytest.importorskip("nibabel")
    made = nibabel.Nifti1Image(np.zeros((2, 2, 2), dtype=np.int16), np.eye(4))
    made.header["descrip"] = description.encode()
    made.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", extension.encode()))
    nibabel.save(made, path)


def cells(path: Path, *, donor: str = OTHER, barcode: str = OTHER, note: str = OTHER) -> None:
    anndata, pandas = pytest.importorskip("anndata"), pytest.importorskip("pandas")
    frame = pandas.DataFrame({"donor": pandas.Categorical([donor, "b"])}, index=[f"{barcode}-1", "b-2"])
    made = anndata.AnnData(np.ones((2, 3), dtype=np.float32), obs=frame, uns={"log": {"command": f"run {note}"}})
    made.write_h5ad(path, compression="gzip")


FORMATS: dict[str, tuple[str, Callable[..., None], dict[str, object]]] = {
    "BAM header": ("a.bam", alignments, {"header": NAME}),
    "BAM comment": ("a.bam", alignments, {"comment": NAME}),
    "BAM read name": ("a.bam", alignments, {"read": NAME}),
    "CRAM header": ("a.cram", alignments, {"header": NAME, "mode": "wc"}),
    "VCF sample": ("a.vcf.gz", variants, {"sample": NAME}),
    "VCF command": ("a.vcf.gz", variants, {"line": NAME}),
    "BCF sample": ("a.bcf", variants, {"sample": NAME}),
    "DICOM patient": ("a.dcm", image, {"patient": NAME}),
    "DICOM private element": ("a.dcm", image, {"private": NAME}),
    "DICOM deflated": ("a.dcm", image, {"patient": NAME, "deflated": True}),
    "NIfTI description": ("a.nii", volume, {"description": NAME}),
    "NIfTI packed": ("a.nii.gz", volume, {"description": NAME}),
    "NIfTI extension": ("a.nii.gz", volume, {"extension": NAME}),
    "H5AD obs": ("a.h5ad", cells, {"donor": NAME}),
    "H5AD index": ("a.h5ad", cells, {"barcode": NAME}),
    "H5AD uns": ("a.h5ad", cells, {"note": NAME}),
}


def test_damaged_deflated_image_is_said(tmp_path: Path):
    image(tmp_path / "a.dcm", deflated=True)
    data = (tmp_path / "a.dcm").read_bytes()
    for wrong in (data[:-20], data[:-40] + b"\xff" * 20):
        (tmp_path / "a.dcm").write_bytes(wrong)
        (gap,) = [item for item in scan.scan([tmp_path / "a.dcm"], {1: NAME}) if isinstance(item, scan.Gap)]
        assert "deflated" in gap.why


@pytest.mark.parametrize("name", FORMATS)
def test_found_where_libraries_put_it(tmp_path: Path, name: str):
    file, write, planted = FORMATS[name]
    for folder, arguments in (("leak", planted), ("clean", {k: v for k, v in planted.items() if v != NAME})):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / file, **arguments)
    found = {
        folder: [hit for hit in scan.scan([tmp_path / folder], {1: NAME}) if isinstance(hit, scan.Hit)]
        for folder in ("leak", "clean")
    }
    assert found["leak"] and not found["clean"]
