import csv

from synthetic import list_reads


def rows(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def make(repository, folder):
    folder.mkdir()
    data = repository / "test_data"
    samples = ("P001_normal", "P001_tumour", "P002_normal")
    list_reads.main(
        plan=data / "truth" / "patients.tsv", targets=data / "genomics" / "targets.bed",
        driver=data / "truth" / "genomics" / "driver.tsv",
        reads=[data / "genomics" / "reads" / f"{name}_R{end}.fastq.gz" for name in samples for end in (1, 2)],
        truths=[data / "truth" / "genomics" / f"{name}.vcf.gz" for name in samples], sheet=folder / "sheet.tsv",
        germline=folder / "germline.tsv", somatic=folder / "somatic.tsv",
    )  # fmt: skip
    return folder


def test_one_row_per_sample_and_per_variant(repository, tmp_path):
    made = make(repository, tmp_path / "a")
    sheet = rows(made / "sheet.tsv")
    assert [(row["sample"], row["role"]) for row in sheet] == [
        ("P001_normal", "normal"), ("P001_tumour", "tumour"), ("P002_normal", "normal"),
    ]  # fmt: skip
    assert {row["patient_id"] for row in rows(made / "germline.tsv")} == {"P001", "P002"}
    assert {row["patient_id"] for row in rows(made / "somatic.tsv")} == {"P001"}
    again = make(repository, tmp_path / "b")
    assert (again / "somatic.tsv").read_bytes() == (made / "somatic.tsv").read_bytes()


def test_somatic_variants_lie_in_targets_and_drivers_are_marked(repository):
    found = rows(repository / "test_data" / "truth" / "somatic_variants.tsv")
    plan = {row["patient_id"]: row for row in rows(repository / "test_data" / "truth" / "patients.tsv")}
    assert all(row["in_targets"] == "1" for row in found)
    for patient in {row["patient_id"] for row in found}:
        drivers = sum(row["driver"] == "1" for row in found if row["patient_id"] == patient)
        assert drivers == int(plan[patient]["driver_mutated"])
