import csv
import json

import pysam.bcftools
import pytest

from genomics import collect_features


def rows(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def identity_of(folder, *samples, problems=()):
    """Result of `check_identity` for some samples; `problems` are those of the last one."""
    path = folder / "identity.json"
    found = [
        {
            "sample": one,
            "contamination": 0.001,
            "contamination_low": 0.0,
            "contamination_high": 0.004,
            "source": "",
            "problems": [],
        }
        for one in samples
    ]
    found[-1]["problems"] = list(problems)
    path.write_text(json.dumps(found))
    return path


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
        identity=identity_of(tmp_path, "P003_normal"), on_failure="report",
    )  # fmt: skip
    (row,) = rows(tmp_path / "f.tsv")
    assert row["driver_mutated"] == row["somatic_snv_count"] == ""
    assert int(row["germline_snv_count"]) > 5


def test_without_a_gene_model_nothing_is_said_of_drivers(genomics_run, tmp_path):
    path, annotated = tmp_path / "P003_tumour.vcf", genomics_run / "somatic" / "P003_tumour.vcf.gz"
    fields = "INFO/BCSQ,FORMAT/BCSQ"
    pysam.bcftools.annotate("-x", fields, "-o", str(path), str(annotated), catch_stdout=False)
    known = collect_features.somatic_features(annotated, ["KMD1"])
    found = collect_features.somatic_features(path, ["KMD1"])
    assert found["driver_mutated"] == found["somatic_protein_changing_count"] == ""
    assert {**found, "driver_mutated": 1} == {**known, "somatic_protein_changing_count": ""}


def test_another_driver_gene_is_not_mutated(genomics_run, tmp_path):
    names = ("P003_normal", "P003_tumour")
    paths = [genomics_run / "qc" / "samples" / f"{name}.json" for name in names]
    assert [json.loads(path.read_text())["sample"] for path in paths] == list(names)
    collect_features.main(
        qualities=paths, germline=[genomics_run / "germline" / "P003_normal.vcf.gz"],
        somatic=[genomics_run / "somatic" / "P003_tumour.vcf.gz"], features=tmp_path / "f.tsv",
        quality=tmp_path / "q.tsv", driver_genes=["NONE"], identity=identity_of(tmp_path, *names), on_failure="stop",
    )  # fmt: skip
    assert rows(tmp_path / "f.tsv")[0]["driver_mutated"] == "0"


def collected(genomics_run, tmp_path, on_failure, problems):
    names = ("P003_normal", "P003_tumour")
    collect_features.main(
        qualities=[genomics_run / "qc" / "samples" / f"{name}.json" for name in names],
        germline=[genomics_run / "germline" / "P003_normal.vcf.gz"],
        somatic=[genomics_run / "somatic" / "P003_tumour.vcf.gz"], features=tmp_path / "f.tsv",
        quality=tmp_path / "q.tsv", driver_genes=["KMD1"], on_failure=on_failure,
        identity=identity_of(tmp_path, *names, problems=problems),
    )  # fmt: skip
    return rows(tmp_path / "f.tsv"), [row["status"] for row in rows(tmp_path / "q.tsv")]


def test_a_failing_sample_sets_its_patient_aside(genomics_run, tmp_path, capsys):
    (row,), status = collected(genomics_run, tmp_path, "quarantine", ["swapped"])
    assert row["patient_id"] == "P003"
    assert {value for name, value in row.items() if name != "patient_id"} == {""}
    assert status == ["quarantined", "quarantined"]
    assert "P003_tumour: swapped" in capsys.readouterr().out


def test_a_failing_sample_is_only_reported_if_so_configured(genomics_run, tmp_path):
    (row,), status = collected(genomics_run, tmp_path, "report", ["swapped"])
    assert row["driver_mutated"] == "1"
    assert status == ["good", "doubtful"]


def test_a_failing_sample_stops_the_run_and_leaves_nothing(genomics_run, tmp_path):
    with pytest.raises(ValueError, match="P003_tumour: swapped"):
        collected(genomics_run, tmp_path, "stop", ["swapped"])
    assert not (tmp_path / "f.tsv").exists()


def test_without_problems_nothing_happens(genomics_run, tmp_path):
    for on_failure in ("stop", "quarantine", "report"):
        (row,), status = collected(genomics_run, tmp_path, on_failure, [])
        assert row["driver_mutated"] == "1"
        assert status == ["good", "good"]
