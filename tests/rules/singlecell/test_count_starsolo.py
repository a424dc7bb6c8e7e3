"""`count_starsolo`: STAR itself on the shipped reads, where it is installed (tested with 2.7.10b)."""

import shutil

import pytest
import yaml
from singlecell_reads import agreement

from kimedlib.singlecell_chemistry import CHEMISTRIES
from kimedlib.singlecell_engines import starsolo_layout


def test_positions_count_from_one():
    said = starsolo_layout(CHEMISTRIES["10xv3-5p"])
    assert "--soloCBstart 1 --soloCBlen 16 --soloUMIstart 17 --soloUMIlen 12" in said and "Reverse" in said


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("STAR"), reason="STAR is not installed: apt-get install rna-star")
def test_planted_molecules_are_counted(snakemake_run, repository, tmp_path):
    config = yaml.safe_load((repository / "config/reads/singlecell.yaml").read_text())
    config["reads"]["engine"] = "starsolo"
    snakemake_run("singlecell", tmp_path, str(tmp_path / "singlecell/counting.tsv"), config=config)
    found = agreement(tmp_path / "singlecell", repository / "test_data/truth")
    assert found["reads_gene_cell_r"] >= 0.985 and found["reads_false_barcodes"] == 0, found
