"""Who is who in a cohort, and whose reads are mixed: kinship and contamination from alleles at polymorphic sites."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pysam

from kimedlib.variant_comparison import CalledVariant

Site = tuple[str, int, str, str]  # contig, 0-based position, reference and other base
MAXIMUM_SITES = 2000
MINIMUM_SITES = 15  # with enough reads, below which nothing is said
SITES_FOR_DEGREES = 1000  # below, only the same person is told from others
MINIMUM_EQUAL = 0.75  # share of equal genotypes of one person's samples; losses in a tumour make some differ
MINIMUM_DEPTH = 8
MINIMUM_HETEROZYGOUS = 3
MINIMUM_TELLING = 8  # sites for a share of foreign reads
BASE_QUALITY = 30
SPAN = 500  # sites this close are counted in one go
ERROR = 0.0005  # bases of quality 30 and more that show another base
HOMOZYGOUS = 0.1  # share of the rarer allele up to which reads show a homozygous genotype
MINIMUM_OTHERS = 5  # other people that an allele frequency needs
# Kinship between which a degree of relation lies (Manichaikul et al. 2010, doi:10.1093/bioinformatics/btq559)
SAME_PERSON, FIRST_DEGREE, SECOND_DEGREE = 0.354, 0.177, 0.0884
SHARES = np.concatenate([[0.0], np.geomspace(0.001, 0.5, 120)])
CERTAIN = 6.63 / 2  # half the 99 % quantile of chi-square with one degree of freedom
GENOTYPE_ERROR = 0.01  # genotypes of few reads that are wrong
PARENT_ODDS = 2.0  # log10 odds from which a parent is told from an unrelated person, either way


def polymorphic_sites(people: Iterable[Iterable[CalledVariant]]) -> list[Site]:
    """Autosomal single-base variants that anybody carries, at most `MAXIMUM_SITES`, evenly over the genome."""
    found = {
        (variant.contig, variant.position, variant.reference, variant.others[0])
        for variants in people
        for variant in variants
        if len(variant.reference) == len(variant.others[0]) == len(variant.others) == 1
        and variant.contig.removeprefix("chr") not in {"X", "Y", "M", "MT"}
    }
    positions: dict[tuple[str, int], int] = {}
    for contig, position, *_ in found:
        positions[contig, position] = positions.get((contig, position), 0) + 1
    single = sorted(site for site in found if positions[site[0], site[1]] == 1)
    step = max(1, -(-len(single) // MAXIMUM_SITES))
    return single[::step]


def allele_counts(alignments: pysam.AlignmentFile, sites: Sequence[Site]) -> np.ndarray:
    """Reads (base quality 30 and more, no duplicates) of reference and other base, shape (sites, 2)."""
    counts = np.zeros((len(sites), 2), dtype=np.int64)
    first = 0
    while first < len(sites):
        last = first
        while last + 1 < len(sites) and sites[last + 1][0] == sites[first][0] and (
            sites[last + 1][1] - sites[first][1] < SPAN
        ):  # fmt: skip
            last += 1
        start, end = sites[first][1], sites[last][1] + 1
        here = alignments.count_coverage(sites[first][0], start, end, quality_threshold=BASE_QUALITY)
        for number in range(first, last + 1):
            _, position, reference, other = sites[number]
            counts[number] = [here["ACGT".index(base)][position - start] for base in (reference, other)]
        first = last + 1
    return counts


def genotypes(counts: np.ndarray) -> np.ndarray:
    """Other alleles (0, 1, 2) that the reads of each site show, -1 where there are too few; shape (sites,)."""
    depth = counts.sum(axis=1)
    share = counts[:, 1] / np.maximum(depth, 1)
    called = np.where(share < HOMOZYGOUS, 0, np.where(share > 1 - HOMOZYGOUS, 2, 1))
    result: np.ndarray = np.where(depth >= MINIMUM_DEPTH, called, -1)
    return result


@dataclass(frozen=True)
class Likeness:
    """How alike the genotypes of two samples are.

    Attributes
    ----------
    sites
        With enough reads in both.
    equal
        Share of equal genotypes.
    kinship
        KING-robust coefficient for two families; None where hardly anything is heterozygous.
    shared
        The same against the heterozygous sites of both, which suffers less from losses in a tumour.
    """

    sites: int
    equal: float
    kinship: float | None
    shared: float = 0.0

    @property
    def relation(self) -> str:
        """What it means; degrees of relation need `SITES_FOR_DEGREES`."""
        if self.sites < MINIMUM_SITES or self.kinship is None:
            return "not determinable"
        if self.shared >= SAME_PERSON and self.equal >= MINIMUM_EQUAL:
            return "same person"
        if self.sites < SITES_FOR_DEGREES:
            return "other person"
        steps = ((FIRST_DEGREE, "first degree"), (SECOND_DEGREE, "second degree"))
        return next((name for least, name in steps if self.kinship >= least), "unrelated")


def likeness(one: np.ndarray, two: np.ndarray) -> Likeness:
    """Compare the genotypes (0, 1, 2, or -1 for unknown) of two samples at the same sites."""
    known = (one >= 0) & (two >= 0)
    first, second = one[known], two[known]
    fewer = min(int((first == 1).sum()), int((second == 1).sum()))
    coefficient, shared = None, 0.0
    if fewer >= MINIMUM_HETEROZYGOUS:
        both = int(((first == 1) & (second == 1)).sum())
        opposite = int((np.abs(first - second) == 2).sum())
        # equations 9 (one family) and 11 (two)
        heterozygous = int((first == 1).sum() + (second == 1).sum())
        shared = (both - 2 * opposite) / heterozygous
        coefficient = (both - 2 * opposite) / (2 * fewer) + 0.5 - heterozygous / (4 * fewer)
    return Likeness(len(first), float((first == second).mean()) if len(first) else 0.0, coefficient, shared)


@dataclass(frozen=True)
class Contamination:
    """Share of foreign reads.

    Attributes
    ----------
    share
        Most likely share, 0-0.5.
    log_odds
        Natural log likelihood of that share over none.
    sites
        Sites that were used.
    """

    share: float
    log_odds: float
    sites: int

    @property
    def certain(self) -> bool:
        """Whether the share differs from none (likelihood ratio test, 1 %)."""
        return self.log_odds > CERTAIN


def genotype_prior(frequencies: np.ndarray) -> np.ndarray:
    """Hardy-Weinberg probabilities of 0, 1, 2 other alleles, shape (sites, 3)."""
    return np.stack([(1 - frequencies) ** 2, 2 * frequencies * (1 - frequencies), frequencies**2], axis=1)


def contamination(counts: np.ndarray, own: np.ndarray, foreign: np.ndarray) -> Contamination | None:
    """Share of reads of somebody else, by the likelihood of verifyBamID.

    Source: Jun et al. 2012, doi:10.1016/j.ajhg.2012.09.004.

    Parameters
    ----------
    counts
        Reads per allele, shape (sites, 2).
    own, foreign
        Probabilities of 0, 1, 2 other alleles in the sample and in the contaminating person, shape (sites, 3).

    Returns
    -------
    Contamination or None
        None if fewer than `MINIMUM_TELLING` have enough reads.
    """
    usable = counts.sum(axis=1) >= MINIMUM_DEPTH
    if int(usable.sum()) < MINIMUM_TELLING:
        return None
    counts, own, foreign = counts[usable], own[usable], foreign[usable]
    doses = np.array([0.0, 0.5, 1.0])
    logs = np.zeros(len(SHARES))
    prior = np.log(np.maximum(own[:, :, None] * foreign[:, None, :], 1e-12)).reshape(len(counts), 9)
    for number, share in enumerate(SHARES):
        expected = ((1 - share) * doses[:, None] + share * doses[None, :]).reshape(9)
        shown = expected * (1 - ERROR) + (1 - expected) * ERROR / 3
        terms = prior + counts[:, 1:] * np.log(shown) + counts[:, :1] * np.log1p(-shown)
        logs[number] = np.logaddexp.reduce(terms, axis=1).sum()
    best = int(logs.argmax())
    return Contamination(float(SHARES[best]), float(logs[best] - logs[0]), len(counts))


def other_frequencies(shown: Mapping[str, np.ndarray], *left_out: str) -> np.ndarray | None:
    """Allele frequencies of everybody but some people, shape (sites,); None with too few people.

    Parameters
    ----------
    shown
        Genotypes of one normal sample per person.
    left_out
        The people who are judged.
    """
    others = [genotype for person, genotype in sorted(shown.items()) if person not in left_out]
    if len(others) < MINIMUM_OTHERS:
        return None
    table = np.stack(others)
    known = table >= 0
    alleles = np.where(known, table, 0).sum(axis=0)
    # one allele of each kind more than seen: nothing is certain from a few people
    result: np.ndarray = (alleles + 0.5) / (2 * known.sum(axis=0) + 1)
    return result


def certain_prior(genotype: np.ndarray) -> np.ndarray:
    """Probabilities of 0, 1, 2 other alleles where a genotype is known, shape (sites, 3)."""
    return np.stack([np.where(genotype == dose, 0.999, 0.0005) for dose in range(3)], axis=1)


def certain_of_many(log_odds: float, tried: int) -> bool:
    """Whether the best of `tried` sources is more than chance: `Contamination.certain` with Bonferroni's correction."""
    quantile = NormalDist().inv_cdf(1 - 0.01 / max(1, tried) / 2) ** 2
    return log_odds > quantile / 2


def parent_log_odds(child: np.ndarray, parent: np.ndarray, frequencies: np.ndarray) -> float:
    """log10 odds of the genotypes of a child and of a parent over those of two unrelated people.

    The parentage index of forensic genetics, one parent known (Fung and Hu 2008, doi:10.1002/9780470022108), with a
    share of genotypes that are wrong.

    Parameters
    ----------
    child, parent
        Other alleles (0, 1, 2, or -1 for unknown) at the same sites, shape (sites,).
    frequencies
        Of the other allele, without these two people, shape (sites,).
    """
    known = (child >= 0) & (parent >= 0)
    child, parent, frequencies = child[known], parent[known], frequencies[known]
    passed = parent / 2  # probability that the parent gives the other allele
    inherited = np.stack(
        [
            (1 - passed) * (1 - frequencies),
            passed * (1 - frequencies) + (1 - passed) * frequencies,
            passed * frequencies,
        ],
        axis=1,
    )
    unrelated = genotype_prior(frequencies)
    rows = np.arange(len(child))
    mixed = (1 - GENOTYPE_ERROR) * inherited + GENOTYPE_ERROR * unrelated
    return float(np.log10(mixed[rows, child] / unrelated[rows, child]).sum())


def parentage(odds: float) -> str:
    """What the log10 odds of a parent mean."""
    return "parent" if odds >= PARENT_ODDS else "not a parent" if odds <= -PARENT_ODDS else "not determinable"


def identity_problems(row: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with whose sample this is, in words; empty if nothing is.

    Parameters
    ----------
    row
        Result of one sample: patient_id, role, own_normal (its relation to the normal of its patient, "" without one),
        same_person (samples of other patients that are of the same person), contamination, certain, source; parents:
        per relation the patient and what `parentage` says.
    settings
        Section `qc` of the config.
    """
    problems = []
    if row["role"] == "tumour" and row["own_normal"] not in {"same person", "not determinable", ""}:
        found = f"not of the person of its normal ({row['own_normal']})"
        problems.append(found)
    if row["same_person"]:
        problems.append(f"same person as {', '.join(row['same_person'])} of another patient")
    for relation, (parent, found) in row.get("parents", {}).items():
        if found == "not a parent":
            problems.append(f"{parent} is not the {relation} that the sheet says")
    share = row["contamination"]
    if share is not None and row["certain"] and share > settings["maximum_contamination"]:
        source = f", like {row['source']}" if row["source"] else ""
        problems.append(f"{100 * share:.1f} % of its reads are of somebody else{source}")
    return problems
