"""Quality of a sample in numbers: alignment statistics, coverage, sex, identity."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from kimedlib.variant_comparison import CalledVariant

STATISTICS = {
    "raw total sequences": "reads",
    "reads mapped": "mapped",
    "reads properly paired": "properly_paired",
    "reads duplicated": "duplicated",
    "insert size average": "insert_size_mean",
    "insert size standard deviation": "insert_size_sd",
    "error rate": "mismatch_rate",
}
SEX_CHROMOSOMES = ("X", "Y")
WINDOW = 1_000_000
DEEPEST = 1000
TRANSITIONS = ({"A", "G"}, {"C", "T"})
MAXIMUM_SITES = 1000
MINIMUM_SITES = 10
MINIMUM_SITE_DEPTH = 8


def alignment_statistics(path: Path) -> dict[str, float]:
    """Summary numbers of `samtools stats`, by the names of `STATISTICS`.

    Raises
    ------
    ValueError
        A number is missing, or no read is mapped in a proper pair.
    """
    found: dict[str, float] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if cells[0] == "SN" and cells[1].rstrip(":") in STATISTICS:
            found[STATISTICS[cells[1].rstrip(":")]] = float(cells[2])
    missing = set(STATISTICS.values()) - found.keys()
    if missing:
        raise ValueError(f"{path}: no {', '.join(sorted(missing))}; this is not the output of samtools stats")
    if not found["properly_paired"]:
        raise ValueError(f"{path}: no properly paired reads")
    return found


def depth_histogram(alignments: pysam.AlignmentFile, intervals: Iterable[tuple[str, int, int]]) -> np.ndarray:
    """Count bases of the intervals by the number of reads on them.

    Reads that are duplicates, secondary, unmapped or failed do not count.

    Returns
    -------
    numpy.ndarray, shape (DEEPEST + 1,)
        Number of bases with 0, 1, ... reads; the last entry holds all deeper ones.
    """
    histogram = np.zeros(DEEPEST + 1, dtype=np.int64)
    for contig, start, end in intervals:
        for left in range(start, end, WINDOW):
            counts = alignments.count_coverage(contig, left, min(left + WINDOW, end), quality_threshold=0)
            depths = np.minimum(np.sum([np.asarray(one) for one in counts], axis=0), DEEPEST)
            histogram += np.bincount(depths, minlength=DEEPEST + 1)
    return histogram


def coverage_summary(histogram: np.ndarray) -> dict[str, float]:
    """Mean, median and share of bases with at least 1, 10, 20 and 30 reads."""
    bases = int(histogram.sum())
    if not bases:
        return {"bases": 0}
    cumulative = np.cumsum(histogram)
    summary: dict[str, float] = {
        "bases": bases,
        "mean": round(float(np.arange(len(histogram)) @ histogram) / bases, 3),
        "median": int(np.searchsorted(cumulative, bases / 2)),
    }
    for depth in (1, 10, 20, 30):
        summary[f"share_{depth}x"] = round(float(histogram[depth:].sum()) / bases, 5)
    return summary


def is_sex_chromosome(contig: str) -> bool:
    """Whether a contig is X or Y, with or without `chr`."""
    return contig.removeprefix("chr") in SEX_CHROMOSOMES


def estimate_sex(
    x_mean: float | None,
    autosome_mean: float | None,
    x_variants: Sequence[CalledVariant],
    male_below: float,
    female_above: float,
) -> str:
    """Sex by the coverage of X against the autosomes, and by heterozygous variants on X.

    Returns
    -------
    str
        "female", "male", "unclear" if both signs disagree, or "not determinable" without X or autosomes.
    """
    if not x_mean or not autosome_mean:
        return "not determinable"
    ratio = x_mean / autosome_mean
    by_coverage = "male" if ratio < male_below else "female" if ratio > female_above else "unclear"
    heterozygous = sum(len(set(variant.genotype)) > 1 for variant in x_variants)
    if by_coverage == "male" and len(x_variants) >= MINIMUM_SITES and heterozygous / len(x_variants) > 0.3:
        return "unclear"
    return by_coverage


def transition_ratio(variants: Iterable[CalledVariant]) -> float | None:
    """Transitions over transversions of single-base variants; None without transversions."""
    changes = [
        {variant.reference, variant.others[allele - 1]}
        for variant in variants
        for allele in sorted(set(variant.genotype) - {0})
        if len(variant.reference) == len(variant.others[allele - 1]) == 1
    ]
    transitions = sum(change in TRANSITIONS for change in changes)
    return round(transitions / (len(changes) - transitions), 3) if len(changes) > transitions else None


def zygosity(variants: Iterable[CalledVariant]) -> dict[str, int]:
    """Numbers of heterozygous and homozygous single-base variants outside X and Y."""
    single = [
        variant
        for variant in variants
        if len(variant.reference) == len(variant.others[0]) == 1 and not is_sex_chromosome(variant.contig)
    ]
    heterozygous = sum(len(set(variant.genotype)) > 1 for variant in single)
    return {"heterozygous": heterozygous, "homozygous": len(single) - heterozygous}


def callable_share(histogram: np.ndarray, depth: int) -> float:
    """Share of bases with at least `depth` reads; 0 without bases."""
    return round(float(histogram[depth:].sum() / max(1, histogram.sum())), 5)


def shown_genotype(reference: int, other: int) -> int:
    """Number of other alleles (0, 1, 2) that the reads of a site show."""
    share = other / (reference + other)
    return 0 if share < 0.1 else 2 if share > 0.9 else 1


def genotype_concordance(alignments: pysam.AlignmentFile, variants: Iterable[CalledVariant]) -> dict[str, Any]:
    """Share of single-base genotypes that the reads of another sample show too.

    Returns
    -------
    dict
        sites (with enough reads) and concordance (None with fewer than `MINIMUM_SITES`).
    """
    sites = same = 0
    for variant in variants:
        other = variant.others[0]
        if sites == MAXIMUM_SITES or not len(variant.reference) == len(other) == len(variant.others) == 1:
            continue
        here = alignments.count_coverage(variant.contig, variant.position, variant.position + 1, quality_threshold=20)
        reads = {base: int(counts[0]) for base, counts in zip("ACGT", here, strict=True)}
        if reads[variant.reference] + reads[other] < MINIMUM_SITE_DEPTH:
            continue
        sites += 1
        expected = 2 if variant.genotype[0] == variant.genotype[-1] else 1
        same += shown_genotype(reads[variant.reference], reads[other]) == expected
    return {"sites": sites, "concordance": round(same / sites, 4) if sites >= MINIMUM_SITES else None}


def germline_problems(quality: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Ratios of germline variants that no human genome has, where there are enough variants to tell."""
    counts = quality["zygosity"]
    if counts is None or sum(counts.values()) < settings["minimum_variants"]:
        return []
    het_hom = counts["heterozygous"] / max(1, counts["homozygous"])
    ratios = (("Ts/Tv", "ts_tv", quality["germline_ts_tv"]), ("het/hom", "het_hom", het_hom))
    return [
        f"{name} {value:.2f}, not within {settings[key][0]} and {settings[key][1]}"
        for name, key, value in ratios
        if value is not None and not settings[key][0] <= value <= settings[key][1]
    ]


def quality_problems(quality: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """What makes a sample doubtful, in words; empty if nothing does."""
    problems = []
    numbers = quality["alignments"]
    if quality["coverage"].get("mean", 0) < settings["minimum_mean_coverage"]:
        problems.append(f"mean coverage below {settings['minimum_mean_coverage']}")
    if quality["callable_share"] < settings["minimum_callable_share"]:
        problems.append(f"{100 * quality['callable_share']:.1f} % of bases have {settings['callable_depth']} reads")
    if numbers["mapped"] < settings["minimum_mapped_share"] * numbers["reads"]:
        share = 100 * numbers["mapped"] / numbers["reads"]
        problems.append(f"{share:.1f} % of reads are mapped: another species or build of the reference?")
    if numbers["mismatch_rate"] > settings["maximum_mismatch_rate"]:
        rate = 100 * numbers["mismatch_rate"]
        problems.append(f"{rate:.1f} % of mapped bases differ: another species or build of the reference?")
    if quality["duplicate_share"] > settings["maximum_duplicate_share"]:
        problems.append(f"{100 * quality['duplicate_share']:.1f} % of reads are duplicates")
    smallest, largest = settings["insert_size"]
    if not smallest <= numbers["insert_size_mean"] <= largest:
        problems.append(f"mean insert size {numbers['insert_size_mean']:.0f}, not within {smallest} and {largest}")
    problems += germline_problems(quality, settings)
    expected, estimated = quality["expected_sex"], quality["estimated_sex"]
    if expected in {"female", "male"} and estimated in {"female", "male", "unclear"} and expected != estimated:
        problems.append(f"sex {estimated}, expected {expected}")
    concordance = (quality["identity"] or {}).get("concordance")
    if concordance is not None and concordance < settings["minimum_identity"]:
        problems.append("tumour and normal seem to be of different people")
    return problems
