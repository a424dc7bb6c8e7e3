import csv
import json

from genomics import collect_features


def rows(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_one_row_per_patient_with_the_driver(genomics_run):
    (row,) = rows(genomics_run / "genomics_features.tsv")
    assert next(iter(row)) == "patient_id"
    assert row["patient_id"] == "P003"
    assert row["driver_mutated"] == "1"
    assert row["estimated_sex"] == "male"
    assert 0.05 < float(row["median_tumour_vaf"]) < 0.5


def test_one_quality_row_per_sample(genomics_run):
    found = rows(genomics_run / "qc.tsv")
    assert [row["sample"] for row in found] == ["P003_normal", "P003_tumour"]
    assert {row["status"] for row in found} == {"good"}


def test_a_patient_without_tumour_has_empty_cells(genomics_run, tmp_path):
    quality = tmp_path / "n.json"
    quality.write_text((genomics_run / "qc" / "samples" / "P003_normal.json").read_text())
    collect_features.main(
        qualities=[quality], germline=[genomics_run / "germline" / "P003_normal.vcf.gz"], somatic=[],
        features=tmp_path / "f.tsv", quality=tmp_path / "q.tsv", driver_genes=["KMD1"],
    )  # fmt: skip
    (row,) = rows(tmp_path / "f.tsv")
    assert row["driver_mutated"] == row["somatic_snv_count"] == ""
    assert int(row["germline_snv_count"]) > 5


def test_another_driver_gene_is_not_mutated(genomics_run, tmp_path):
    names = ("P003_normal", "P003_tumour")
    paths = [genomics_run / "qc" / "samples" / f"{name}.json" for name in names]
    assert [json.loads(path.read_text())["sample"] for path in paths] == list(names)
    collect_features.main(
        qualities=paths, germline=[genomics_run / "germline" / "P003_normal.vcf.gz"],
        somatic=[genomics_run / "somatic" / "P003_tumour.vcf.gz"], features=tmp_path / "f.tsv",
        quality=tmp_path / "q.tsv", driver_genes=["NONE"],
    )  # fmt: skip
    assert rows(tmp_path / "f.tsv")[0]["driver_mutated"] == "0"
