"""Who is who in a cohort: kinship and parenthood from alleles at polymorphic sites, and what is wrong, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kimedlib.genomics_contamination import MINIMUM_DEPTH, genotype_prior

MINIMUM_SITES = 15  # with enough reads, below which nothing is said
SITES_FOR_DEGREES = 1000  # below, only the same person is told from others
MINIMUM_EQUAL = 0.75  # share of equal genotypes of one person's samples; losses in a tumour make some differ
MINIMUM_HETEROZYGOUS = 3
HOMOZYGOUS = 0.1  # share of the rarer allele up to which reads show a homozygous genotype
MINIMUM_OTHERS = 5  # other people that an allele frequency needs
# Kinship between which a degree of relation lies (Manichaikul et al. 2010, doi:10.1093/bioinformatics/btq559)
SAME_PERSON, FIRST_DEGREE, SECOND_DEGREE = 0.354, 0.177, 0.0884
GENOTYPE_ERROR = 0.01  # genotypes of few reads that are wrong
PARENT_ODDS = 2.0  # log10 odds from which a parent is told from an unrelated person, either way


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
        same_person (samples of other patients that are of the same person), contamination, contamination_low and
        contamination_high (95 % interval), certain (that there are foreign reads), source; parents: per relation the
        patient and what `parentage` says.
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
    if share is not None and row["certain"] and row["contamination_high"] > settings["maximum_contamination"]:
        source = f", like {row['source']}" if row["source"] else ""
        interval = f"{100 * row['contamination_low']:.1f} to {100 * row['contamination_high']:.1f}"
        problems.append(f"{100 * share:.1f} % ({interval}) of its reads are of somebody else{source}")
    return problems
