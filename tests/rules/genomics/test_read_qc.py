import gzip
import json


def test_the_report_counts_all_reads(genomics_run, repository):
    report = json.loads((genomics_run / "qc" / "reads" / "P003_normal.json").read_text())
    with gzip.open(repository / "test_data/genomics/reads/P003_normal_R1.fastq.gz", "rt") as reads:
        assert report["summary"]["total_reads"] == sum(1 for _ in reads) // 4
