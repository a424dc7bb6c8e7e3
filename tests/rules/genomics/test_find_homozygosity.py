"""A planted run of homozygosity is found with its ends; a sample without one has none."""

import csv
import random

import pysam
from genomics_steps import run_step

LENGTH, SPACE = 20_000_000, 4000
RUN = (6_000_000, 12_000_000)


def write_sample(path, name, run):
    """Single-base variants in Hardy-Weinberg proportions, in `run` homozygous."""
    rng = random.Random(name)
    header = pysam.VariantHeader()
    header.contigs.add("chr1", length=LENGTH)
    header.add_line('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    header.add_line('##FILTER=<ID=low_quality,Description="doubtful">')
    header.add_sample(name)
    with pysam.VariantFile(str(path), "wz", header=header) as sink:
        for place in range(SPACE, LENGTH, SPACE):
            share = rng.uniform(0.2, 0.6)
            first = rng.random() < share
            second = first if run and run[0] <= place < run[1] else rng.random() < share
            if first or second:
                record = sink.new_record(contig="chr1", start=place, alleles=("A", "C"), filter="PASS")
                record.samples[0]["GT"] = (int(first), int(second))
                sink.write(record)
            elif run and run[0] <= place < run[1] and rng.random() < 0.2:  # doubtful calls do not break a run
                record = sink.new_record(contig="chr1", start=place, alleles=("A", "G"), filter="low_quality")
                record.samples[0]["GT"] = (0, 1)
                sink.write(record)
    return path


def test_a_planted_run_is_found(tmp_path):
    files = [write_sample(tmp_path / f"{name}.vcf.gz", name, run) for name, run in (("a", RUN), ("b", None))]
    run = run_step("find_homozygosity", tmp_path, inputs={"variants": files}, outputs={"runs": "runs.tsv"}, params={})
    assert run.returncode == 0, run.stdout
    with (tmp_path / "runs.tsv").open(newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    long = [row for row in rows if int(row["bases"]) > 1_000_000]
    assert [(row["sample"], row["contig"]) for row in long] == [("a", "chr1")]
    assert abs(int(long[0]["first"]) - RUN[0]) < 100_000 and abs(int(long[0]["last"]) - RUN[1]) < 100_000


def test_a_damaged_file_stops_the_step(tmp_path):
    path = write_sample(tmp_path / "a.vcf.gz", "a", None)
    path.write_bytes(path.read_bytes()[:-2000])
    run = run_step("find_homozygosity", tmp_path, inputs={"variants": [path]}, outputs={"runs": "runs.tsv"}, params={})
    assert run.returncode != 0
    assert not (tmp_path / "runs.tsv").exists()
