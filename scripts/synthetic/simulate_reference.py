"""Invent a reference with genes, the panel that captures their coding exons, and the variants of a population."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_reference import Gene, build_contig, gff_lines, missense_variants
from kimedlib.genomics_variants import Variant, spaced_variants
from kimedlib.logs import log_to
from kimedlib.seeding import generator

DRIVER_CODONS = (12, 61, 117)  # as many hotspots as KRAS has
LINE_LENGTH = 60


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a tab-separated table."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def population_variants(
    seed: int, contigs: Mapping[str, str], genes: Sequence[Gene], driver: Sequence[Variant], settings: Mapping[str, Any]
) -> list[tuple[Variant, float]]:
    """Variants that occur in the population, with their frequency; denser near coding exons, to have some to find."""
    found = []
    for name, bases in contigs.items():
        rng = generator(seed, "population", name)
        near = np.zeros(len(bases), dtype=bool)
        for gene in genes:
            for start, end in gene.coding if gene.contig == name else ():
                near[max(0, start - 100) : end + 100] = True
        edge = np.zeros(len(bases), dtype=bool)
        edge[:200] = edge[-200:] = True
        taken = list(driver)
        for place, density in ((near & ~edge, "density_near_exons"), (~near & ~edge, "density_elsewhere")):
            candidates = np.flatnonzero(place)
            count = round(len(candidates) * settings[density])
            chosen = spaced_variants(
                rng, name, bases, candidates=candidates, count=count, indel_share=settings["indel_share"], taken=taken
            )
            taken += chosen
            found += [(variant, round(float(rng.beta(0.8, 1.2)) * 0.9 + 0.05, 4)) for variant in chosen]
    return sorted(found)


def main(
    *,
    reference: Path,
    gene_model: Path,
    targets: Path,
    population: Path,
    driver: Path,
    seed: int,
    settings: dict[str, Any],
) -> None:
    """Write reference (bgzip), gene model (GFF3), panel (BED), population and driver variants (tables).

    Parameters
    ----------
    seed
        Seed of the cohort.
    settings
        Section `genomics` of config/synthetic.yaml.
    """
    contigs: dict[str, str] = {}
    genes: list[Gene] = []
    for name, contig in settings["contigs"].items():
        contigs[name], placed = build_contig(
            generator(seed, "reference", name), name=name, length=contig["length"], genes=contig["genes"],
            first_number=len(genes) + 1, exons=settings["exons_per_gene"],
            exon_length=(settings["exon_length"][0], settings["exon_length"][1]), repeats=contig["repeats"],
        )  # fmt: skip
        genes += placed
    driver_gene = next(gene for gene in genes if gene.name == settings["driver_gene"])
    hotspots = [
        Variant(driver_gene.contig, *change)
        for change in missense_variants(contigs[driver_gene.contig], driver_gene, DRIVER_CODONS)
    ]
    with atomic_path(reference) as temporary, pysam.BGZFile(str(temporary), "wb") as sink:
        for name, bases in contigs.items():
            lines = [bases[start : start + LINE_LENGTH] for start in range(0, len(bases), LINE_LENGTH)]
            sink.write("\n".join([f">{name}", *lines, ""]).encode())
    pysam.faidx(str(reference))
    with atomic_path(gene_model) as temporary:
        lengths = {name: len(bases) for name, bases in contigs.items()}
        temporary.write_text("\n".join([*gff_lines(genes, lengths), ""]), encoding="utf-8")
    with atomic_path(targets) as temporary:
        panel = [
            f"{gene.contig}\t{start}\t{end}\t{gene.name}_coding_{number}\n"
            for gene in genes
            for number, (start, end) in enumerate(gene.coding, 1)
        ]
        temporary.write_text("".join(panel), encoding="utf-8")
    columns = ("contig", "position", "reference", "other")
    write_table(
        population,
        (*columns, "frequency"),
        (
            (variant.contig, variant.position, variant.reference, variant.other, frequency)
            for variant, frequency in population_variants(seed, contigs, genes, hotspots, settings["germline"])
        ),
    )
    write_table(
        driver,
        (*columns, "gene"),
        ((spot.contig, spot.position, spot.reference, spot.other, driver_gene.name) for spot in hotspots),
    )


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            reference=Path(snakemake.output.reference),
            gene_model=Path(snakemake.output.gene_model),
            targets=Path(snakemake.output.targets),
            population=Path(snakemake.output.population),
            driver=Path(snakemake.output.driver),
            seed=snakemake.params.seed,
            settings=snakemake.params.settings,
        )
