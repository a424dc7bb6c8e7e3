import gzip
import os
import re
import sys
from pathlib import Path

import pysam
import pytest

BIN = Path(sys.executable).parent
SAMPLES = ("P003_normal", "P003_tumour")


def records(genomics_run, sample):
    reference = str(genomics_run / "reference" / "reference.fa")
    with pysam.AlignmentFile(
        str(genomics_run / "alignments" / f"{sample}.cram"), reference_filename=reference
    ) as reads:
        return str(reads.header), list(reads)


@pytest.mark.parametrize("sample", SAMPLES)
def test_nearly_all_pairs_are_proper_and_some_are_duplicates(genomics_run, sample):
    _, reads = records(genomics_run, sample)
    primary = [read for read in reads if not read.is_secondary and not read.is_supplementary]
    assert sum(read.is_proper_pair for read in primary) > 0.98 * len(primary)
    # the simulator copies 4 % of the fragments
    assert 0.02 < sum(read.is_duplicate for read in primary) / len(primary) < 0.07
    assert {read.get_tag("RG") for read in reads} == {sample}


def test_the_header_holds_no_paths(genomics_run):
    header, _ = records(genomics_run, SAMPLES[0])
    assert str(genomics_run.parent) not in header
    assert "UR:" not in header
    assert "CL:" not in header.split("@PG\tID:samtools")[0]


def test_positions_are_sorted_and_adapters_gone(genomics_run):
    _, reads = records(genomics_run, SAMPLES[1])
    places = [(read.reference_id, read.reference_start) for read in reads if not read.is_unmapped]
    assert places == sorted(places)
    assert not any("AGATCGGAAGAGCACACG" in read.get_forward_sequence() for read in reads)


def test_bytes_do_not_depend_on_the_run_nor_on_how_tools_start(
    genomics_run, snakemake_run, one_patient_config, tmp_path, monkeypatch
):
    """With conda there is no `kimed-pipe`: the shell pipes."""
    (tmp_path / "bin").mkdir()
    for tool in BIN.iterdir():
        if tool.name != "kimed-pipe":
            (tmp_path / "bin" / tool.name).symlink_to(tool)
    others = [folder for folder in os.environ["PATH"].split(":") if Path(folder) != BIN]
    monkeypatch.setenv("PATH", ":".join([str(tmp_path / "bin"), *others]))
    made = [tmp_path / "genomics" / one for one in ("alignments/P003_normal.cram", "germline/P003_normal.vcf.gz")]
    snakemake_run("genomics", tmp_path, *map(str, made), config=one_patient_config)
    before = [genomics_run / one.relative_to(tmp_path / "genomics") for one in made]
    assert made[0].read_bytes() == before[0].read_bytes()
    calls = [gzip.decompress(path.read_bytes()) for path in (made[1], before[1])]
    texts = [re.sub(rb"(?m)^##reference=.*", b"", one) for one in calls]  # where it lies
    assert texts[0] == texts[1] and texts[0].count(b"\n") > 50


def broken_sheet(config, tmp_path, change):
    """A sheet whose first FASTQ file holds other reads."""
    lines = Path(config["samples"]).read_text().splitlines()
    cells = lines[1].split("\t")
    reads = lines[0].split("\t").index("fastq_1")
    with gzip.open(cells[reads], "rt") as source:
        text = change(source.read())
    bad = tmp_path / "bad_R1.fastq.gz"
    bad.write_bytes(gzip.compress(text.encode()))
    cells[reads] = str(bad)
    sheet = tmp_path / "samples.tsv"
    sheet.write_text("\n".join([lines[0], "\t".join(cells), *lines[2:], ""]))
    return {**config, "samples": str(sheet)}


def test_mates_that_differ_behind_the_first_read_stop_the_job(snakemake_run, one_patient_config, tmp_path):
    def rename(text):
        head, tail = text[:4000], text[4000:]
        return head + re.sub(r"^@SIM:1", "@SIM:9", tail, count=1, flags=re.MULTILINE)

    config = broken_sheet(one_patient_config, tmp_path, rename)
    target = tmp_path / "root" / "genomics" / "alignments" / "P003_normal.cram"
    run = snakemake_run("genomics", tmp_path / "root", str(target), config=config, check=False)
    assert run.returncode != 0
    assert "improperly paired" in run.stdout
    assert not target.exists()


def test_lost_reads_are_seen_before_any_job(snakemake_run, one_patient_config, tmp_path):
    config = broken_sheet(one_patient_config, tmp_path, lambda text: "".join(text.splitlines(keepends=True)[:-4]))
    run = snakemake_run("genomics", tmp_path / "root", config=config, check=False)
    assert run.returncode != 0
    assert "fastq_1 holds" in run.stdout
    assert not (tmp_path / "root" / "genomics").exists()
