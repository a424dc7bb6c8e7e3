"""Sequence one sample of an invented patient: FASTQ pairs and a VCF of what was planted."""

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_reads import Carried, read_pairs
from kimedlib.genomics_reference import Interval
from kimedlib.genomics_variants import Variant, inherit, spaced_variants
from kimedlib.logs import log_to
from kimedlib.seeding import generator

SEX_LINKED = "chrX"
TARGET_EDGE = 10  # bases from the end of a target within which nothing somatic is planted
TRUTH_HEADER = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype, maternal|paternal">',
    '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Share of molecules that carry the allele">',
)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a tab-separated table."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def as_variant(row: Mapping[str, str]) -> Variant:
    """One row of a variant table."""
    return Variant(row["contig"], int(row["position"]), row["reference"], row["other"])


def plant_somatic(
    rng: np.random.Generator,
    *,
    person: Mapping[str, str],
    contigs: Mapping[str, str],
    targets: Sequence[Interval],
    drivers: Sequence[Mapping[str, str]],
    population: Sequence[Variant],
    settings: Mapping[str, Any],
) -> list[tuple[Variant, float, int]]:
    """Somatic variants of a tumour.

    Driver (if the plan says so) and most passengers are clonal: half the purity; the others belong to one
    subclone. Passengers stay out of the driver gene, of X and of the neighbourhood of germline variants.

    Returns
    -------
    list of (variant, variant allele fraction, haplotype)
        Sorted; the allele fraction is the expected share of reads, the haplotype 0 or 1.
    """
    purity = rng.uniform(*settings["purity"])
    subclone = rng.uniform(*settings["subclone"])
    passenger_targets = [one for one in targets if not one.name.startswith(f"{drivers[0]['gene']}_")]
    found: list[tuple[Variant, float]] = []
    if person["driver_mutated"] == "1":
        found.append((as_variant(drivers[int(rng.integers(len(drivers)))]), purity / 2))
    places = {
        contig: np.concatenate([np.arange(one.start + TARGET_EDGE, one.end - TARGET_EDGE) for one in allowed])
        for contig in contigs
        if contig != SEX_LINKED and (allowed := [one for one in passenger_targets if one.contig == contig])
    }
    total = sum(map(len, places.values()))
    counts = rng.multinomial(int(person["somatic_count"]), [len(one) / total for one in places.values()])
    taken = [*population, *(as_variant(row) for row in drivers)]
    for (contig, candidates), count in zip(places.items(), counts, strict=True):
        passengers = spaced_variants(
            rng,
            contig,
            contigs[contig],
            candidates=candidates,
            count=int(count),
            indel_share=settings["indel_share"],
            taken=taken,
        )
        found += [
            (variant, purity / 2 * (subclone if rng.random() < settings["subclonal_share"] else 1.0))
            for variant in passengers
        ]
    return sorted((variant, round(fraction, 4), int(rng.integers(2))) for variant, fraction in found)


def write_truth(
    path: Path,
    sample: str,
    contigs: Mapping[str, str],
    records: Sequence[tuple[Variant, tuple[int | None, ...], float]],
) -> None:
    """Write planted variants as an indexed VCF: genotype (phased) and expected allele fraction."""
    header = pysam.VariantHeader()
    for line in TRUTH_HEADER:
        header.add_line(line)
    for name, bases in contigs.items():
        header.contigs.add(name, length=len(bases))
    header.add_sample(sample)
    with atomic_path(path) as temporary, pysam.VariantFile(str(temporary), "wz", header=header) as sink:
        for variant, genotype, fraction in records:
            record = sink.new_record(
                contig=variant.contig, start=variant.position, alleles=(variant.reference, variant.other),
                filter="PASS",
            )  # fmt: skip
            record.samples[0]["GT"] = genotype
            record.samples[0].phased = len(genotype) > 1
            record.samples[0]["AF"] = (fraction,)
            sink.write(record)
    pysam.tabix_index(str(path), preset="vcf", force=True)


def write_reads(paths: Sequence[Path], pairs: Any) -> int:
    """Write both FASTQ files; names say instrument, lane, tile and number only. Returns the number of pairs.

    Raises
    ------
    ValueError
        There are no reads.
    """
    count = 0
    with atomic_path(paths[0]) as first, atomic_path(paths[1]) as second:
        with (
            first.open("wb") as raw1,
            second.open("wb") as raw2,
            gzip.GzipFile("", "wb", 9, raw1, mtime=0) as sink1,
            gzip.GzipFile("", "wb", 9, raw2, mtime=0) as sink2,
        ):
            for count, (end1, end2) in enumerate(pairs, 1):
                name = f"SIM:1:KIMED:1:1101:{1000 + count // 1000}:{1000 + count % 1000}"
                sink1.write(f"@{name} 1:N:0:1\n{end1[0]}\n+\n{end1[1]}\n".encode())
                sink2.write(f"@{name} 2:N:0:1\n{end2[0]}\n+\n{end2[1]}\n".encode())
        if not count:
            raise ValueError("no reads were simulated: depth or targets are too small")
    return count


def main(
    *,
    reference: Path,
    targets: Path,
    population: Path,
    driver: Path,
    plan: Path,
    reads_1: Path,
    reads_2: Path,
    truth: Path,
    patient: str,
    role: str,
    seed: int,
    settings: dict[str, Any],
) -> None:
    """Write the reads of one sample and its truth: all germline variants (normal) or all somatic ones (tumour).

    Parameters
    ----------
    reference, targets, population, driver
        Outputs of `simulate_reference`.
    plan
        Outputs of `plan_cohort`; only family, sex, driver_mutated and somatic_count are used.
    reads_1, reads_2, truth
        FASTQ files and VCF to write; the VCF gets a .tbi index.
    patient, role
        Patient identifier, and "normal" or "tumour".
    seed
        Seed of the cohort.
    settings
        Section `genomics` of config/synthetic.yaml.
    """
    with pysam.FastaFile(str(reference)) as fasta:
        contigs = {name: fasta.fetch(name) for name in fasta.references}
    panel = [
        Interval(row[0], int(row[1]), int(row[2]), row[3]) for row in map(str.split, targets.read_text().splitlines())
    ]
    whole = [Interval(name, 0, len(bases)) for name, bases in contigs.items()]
    person = next(row for row in read_rows(plan) if row["patient_id"] == patient)
    rows = read_rows(population)
    variants = [as_variant(row) for row in rows]
    male = person["sex"] == "male"
    sex_linked = np.array([variant.contig == SEX_LINKED for variant in variants])
    maternal, paternal = inherit(
        generator(seed, "founders", person["family_id"]), generator(seed, "inheritance", patient),
        np.array([float(row["frequency"]) for row in rows]), sex_linked, male,
    )  # fmt: skip
    somatic = []
    if role == "tumour":
        somatic = plant_somatic(
            generator(seed, "somatic", patient), person=person, contigs=contigs, targets=panel,
            drivers=read_rows(driver), population=variants, settings=settings["somatic"],
        )  # fmt: skip
    haplotypes = {
        contig: [
            Carried(
                tuple(one for one, has in zip(variants, carrier, strict=True) if has and one.contig == contig),
                tuple((one, 2 * share) for one, share, side in somatic if side == number and one.contig == contig),
            )
            for number, carrier in enumerate((maternal, paternal))
            if not (number and male and contig == SEX_LINKED)
        ]
        for contig in contigs
    }
    pairs = read_pairs(
        generator(seed, "reads", patient, role), contigs=contigs,
        intervals=whole if settings["capture"] == "whole" else panel, haplotypes=haplotypes,
        depth=settings["depth"][role], settings=settings,
    )  # fmt: skip
    write_reads((reads_1, reads_2), pairs)
    if role == "tumour":
        records: list[Any] = [(one, (0, 1) if side else (1, 0), share) for one, share, side in somatic]
    else:
        records = [
            (
                one,
                (int(mother),) if male and one.contig == SEX_LINKED else (int(mother), int(father)),
                (int(mother) + int(father)) / (1 if male and one.contig == SEX_LINKED else 2),
            )
            for one, mother, father in zip(variants, maternal, paternal, strict=True)
            if mother or father
        ]
    write_truth(truth, f"{patient}_{role}", contigs, records)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            reference=Path(snakemake.input.reference),
            targets=Path(snakemake.input.targets),
            population=Path(snakemake.input.population),
            driver=Path(snakemake.input.driver),
            plan=Path(snakemake.input.plan),
            reads_1=Path(snakemake.output.reads_1),
            reads_2=Path(snakemake.output.reads_2),
            truth=Path(snakemake.output.truth),
            patient=snakemake.wildcards.patient,
            role=snakemake.wildcards.role,
            seed=snakemake.params.seed,
            settings=snakemake.params.settings,
        )
