"""A page with all somatic calls as a table, and the reads behind selected ones."""

import csv
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_consequences import PROTEIN_CHANGING
from kimedlib.genomics_evidence_page import Place, page, session
from kimedlib.logs import log_to

SHOWN = [
    "sample", "contig", "position", "reference", "other", "gene", "consequence", "amino_acids", "driver", "driver_role",
    "tumour_reads", "tumour_depth", "tumour_fraction", "normal_reads", "normal_depth", "quality", "clone",
]  # fmt: skip


def rank(row: Mapping[str, Any]) -> tuple[bool, bool, float]:
    """Drivers first, then what changes a protein, then the least certain, which need looking at most."""
    changing = bool(PROTEIN_CHANGING & set(str(row["consequence"]).split("&")))
    return row["driver"] != "yes", not changing, float(row["quality"])


def selected(rows: Sequence[Mapping[str, Any]], maximum: int) -> list[int]:
    """Numbers of the rows whose reads are shown, in the table's order."""
    return sorted(sorted(range(len(rows)), key=lambda number: (*rank(rows[number]), number))[:maximum])


def main(
    *,
    variants: Path,
    alignments: Mapping[str, Path],
    normals: Mapping[str, str],
    reference: Path,
    template: Path,
    output: Path,
    settings: Mapping[str, Any],
) -> None:
    """Write the page; it loads nothing from outside itself, and its content policy forbids it.

    Parameters
    ----------
    variants
        Table of `summarise_tumours`.
    alignments
        CRAM of every tumour and normal, by sample.
    normals
        Normal of every tumour that has one.
    reference, template, output
        Indexed FASTA, HTML with marks (`genomics_evidence_page.page`), HTML to write.
    settings
        Section `evidence` of the config: maximum_variants, flank.
    """
    with variants.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    sessions = {}
    with ExitStack() as stack:
        fasta = stack.enter_context(pysam.FastaFile(str(reference)))
        opened = {
            name: stack.enter_context(pysam.AlignmentFile(str(path), reference_filename=str(reference)))
            for name, path in alignments.items()
        }
        for number in selected(rows, settings["maximum_variants"]):
            row = rows[number]
            names = [row["sample"], *([normals[row["sample"]]] if row["sample"] in normals else [])]
            tracks = [(name, opened[name]) for name in names]
            place = Place(row["contig"], int(row["position"]), len(row["reference"]))
            sessions[number] = session(fasta, tracks, place, settings["flank"])
    text = page(template.read_text(encoding="utf-8"), SHOWN, rows, sessions)
    print(f"{len(rows)} variants, reads of {len(sessions)}")
    with atomic_path(output) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            variants=Path(snakemake.input.variants),
            alignments={
                name: Path(path)
                for name, path in zip(snakemake.params.samples, snakemake.input.alignments, strict=True)
            },
            normals=snakemake.params.normals,
            reference=Path(snakemake.input.reference),
            template=Path(snakemake.input.template),
            output=Path(snakemake.output.page),
            settings=snakemake.params.settings,
        )
