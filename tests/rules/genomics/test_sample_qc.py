import json

import pytest

from genomics import sample_qc
from kimedlib.genomics_files import called_intervals


def run(genomics_run, repository, target, settings, **changes):
    arguments = {
        "alignments": genomics_run / "alignments" / "P003_tumour.cram",
        "statistics": genomics_run / "qc" / "alignments" / "P003_tumour.stats",
        "germline": genomics_run / "germline" / "P003_normal.vcf.gz",
        "reference": genomics_run / "reference" / "reference.fa",
        "targets": repository / "test_data" / "genomics" / "targets.bed",
        "quality": target,
        "sample": {"sample": "P003_tumour", "patient_id": "P003", "role": "tumour", "sex": "male"},
        "normal": "P003_normal",
        "region": "",
        "settings": settings["qc"],
    }
    sample_qc.main(**{**arguments, **changes})
    return json.loads(target.read_text())


def test_quality_of_a_good_tumour(genomics_run, repository, genomics_settings, tmp_path):
    quality = run(genomics_run, repository, tmp_path / "q.json", genomics_settings)
    assert quality["problems"] == []
    assert 50 < quality["coverage"]["mean"] < 75
    assert quality["identity"]["concordance"] > 0.95
    assert 240 < quality["alignments"]["insert_size_mean"] < 270
    again = run(genomics_run, repository, tmp_path / "again.json", genomics_settings)
    assert again == quality


def test_another_sex_and_another_person_are_doubted(genomics_run, repository, genomics_settings, tmp_path):
    sample = {"sample": "P003_tumour", "patient_id": "P003", "role": "tumour", "sex": "female"}
    stranger = repository / "test_data" / "truth" / "genomics" / "P005_normal.vcf.gz"
    quality = run(
        genomics_run,
        repository,
        tmp_path / "q.json",
        genomics_settings,
        sample=sample,
        germline=stranger,
        normal="P005_normal",
    )
    assert len(quality["problems"]) == 2


def test_no_proper_pairs_are_an_error(genomics_run, repository, genomics_settings, tmp_path):
    empty = tmp_path / "empty.stats"
    text = (genomics_run / "qc" / "alignments" / "P003_tumour.stats").read_text()
    lines = ["SN\treads properly paired:\t0" if "properly paired:" in one else one for one in text.splitlines()]
    empty.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="no properly paired reads"):
        run(genomics_run, repository, tmp_path / "q.json", genomics_settings, statistics=empty)
    assert not (tmp_path / "q.json").exists()


def test_intervals_are_clipped_to_the_region(tmp_path):
    lengths = {"c1": 100, "c2": 50}
    bed = tmp_path / "t.bed"
    bed.write_text("c1\t0\t30\nc1\t60\t90\nc2\t0\t10\n")
    assert called_intervals(lengths, bed, "c1:11-70") == [("c1", 10, 30), ("c1", 60, 70)]
    assert called_intervals(lengths, None, "") == [("c1", 0, 100), ("c2", 0, 50)]
    assert called_intervals(lengths, None, "c2") == [("c2", 0, 50)]
