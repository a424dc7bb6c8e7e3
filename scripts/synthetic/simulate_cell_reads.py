"""Simulate the sequencing of a few small single-cell libraries, with the planted molecules beside the reads."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_annotation import marker_types
from kimedlib.singlecell_reads_simulation import CONTIG, genome, gtf_lines, random_bases, read_pairs, write_fastq
from kimedlib.singlecell_simulation import SHARES, droplets, programmes
from kimedlib.table_files import write_gzip

WIDTH = 80  # bases on a line of FASTA


def main(
    *, markers: Path, gene_sets: Path, folder: Path, molecules: Path, cells: Path, seed: int, settings: dict[str, Any],
) -> None:  # fmt: skip
    """Write genome, gene model, list of barcodes and reads to `folder`, and the truth.

    Parameters
    ----------
    molecules
        Planted molecules: sample, barcode, gene_id, molecules.
    cells
        All droplets: sample, barcode, cell_type, doublet, dying, empty.
    settings
        Section `cell_reads` of config/synthetic.yaml.
    """
    types = marker_types(yaml.safe_load(markers.read_text(encoding="utf-8")))
    interferon = yaml.safe_load(gene_sets.read_text(encoding="utf-8"))["interferon"][: settings["interferon_genes"]]
    nothing = {"genes_per_type": 0, "log2_fold_change": 0.0, "effect": 0.0}
    base = programmes(seed, settings["genes"], types, interferon, nothing)
    identifiers = [f"SYNG{number:08d}" for number in range(1, len(base.genes) + 1)]
    model = genome(generator(seed, "cell_reads", "genome"), identifiers, base.genes, settings["genome"])
    shares = np.array([SHARES[name] for name in types])
    random = generator(seed, "cell_reads", "barcodes")
    listed = {random_bases(random, 16) for _ in range(settings["listed_barcodes"])}

    partial = folder.with_name(f".partial-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    planted, tables = [], []
    for number in range(1, settings["samples"] + 1):
        sample = f"reads{number}"
        random = generator(seed, "cell_reads", sample)
        counts, truth = droplets(random, base.expression, shares / shares.sum(), base.genes, settings["droplets"])
        barcodes = [barcode.removesuffix("-1") for barcode in truth["barcode"]]
        listed.update(barcodes)
        first, second = read_pairs(random, model, counts, barcodes, settings["library"])
        bounds = np.linspace(0, len(first), settings["lanes"] + 1).astype(int)
        for lane, (start, end) in enumerate(itertools.pairwise(bounds), 1):
            for mate, reads in ((1, first), (2, second)):
                path = partial / f"{sample}_L{lane:03d}_R{mate}.fastq.gz"
                write_fastq(path, reads[start:end], f"{number}:{lane}", mate)
        entries = counts.tocoo()
        names = {"barcode": np.array(barcodes)[entries.row], "gene_id": np.array(identifiers)[entries.col]}
        planted.append(pd.DataFrame({"sample": sample, **names, "molecules": entries.data}))
        tables.append(truth.assign(barcode=barcodes, sample=sample)[["sample", *truth.columns]])
    lines = [model.bases[start : start + WIDTH] for start in range(0, len(model.bases), WIDTH)]
    write_gzip(partial / "genome.fa.gz", "\n".join([f">{CONTIG}", *lines]) + "\n")
    write_gzip(partial / "genes.gtf.gz", "\n".join(gtf_lines(model.transcripts)) + "\n")
    write_gzip(partial / "barcodes.txt.gz", "\n".join(sorted(listed)) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    for path, parts in ((molecules, planted), (cells, tables)):
        with atomic_path(path) as temporary:
            write_gzip(temporary, pd.concat(parts).to_csv(sep="\t", index=False, lineterminator="\n"))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            markers=Path(snakemake.input.markers),
            gene_sets=Path(snakemake.input.gene_sets),
            folder=Path(snakemake.output.folder),
            molecules=Path(snakemake.output.molecules),
            cells=Path(snakemake.output.cells),
            seed=snakemake.params.seed,
            settings=snakemake.params.settings,
        )
