import csv

import pysam

from kimedlib.genomics_files import passing


def test_the_driver_is_annotated(genomics_run, repository):
    truth = repository / "test_data" / "truth" / "somatic_variants.tsv"
    with truth.open(newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    (driver,) = [row for row in rows if row["patient_id"] == "P003" and row["driver"] == "1"]
    with pysam.VariantFile(str(genomics_run / "somatic" / "P003_tumour.vcf.gz")) as records:
        (found,) = records.fetch(driver["contig"], int(driver["position"]) - 1, int(driver["position"]))
        assert found.alts == (driver["other"],)
        assert passing(found)
        assert found.info["BCSQ"][0].startswith("missense|KMD1|")
