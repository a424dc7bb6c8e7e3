"""Is an allele somatic? Likelihoods of tumour and normal, Fisher tests of their difference and of strands.

The odds follow MuTect (Cibulskis et al. 2013, doi:10.1038/nbt.2514): in the tumour the allele at its observed
fraction against sequencing error only, in the normal the best genotype without against the best with the allele.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from scipy.stats import fisher_exact

from kimedlib.genomics_evidence import Vote

# Reads with a wrong length double with every four copies of a repeat's unit beyond six, and are the rarer the longer
# the unit (Willems et al. 2017, doi:10.1038/nmeth.4267); the scale is set by `indel_error_factor`
REPEAT_FREE, REPEAT_DOUBLING = 6, 4
LONGEST_UNIT = 6
MAXIMUM_ERROR = 0.3
BASE_ERROR = 0.001  # substitutions towards one allele
SMALLEST_BASE_ERROR = 1e-4  # no base is trusted more, whatever its quality says
FILTERS = {
    "low_depth": "Tumour or normal has too few fragments that show the place",
    "few_reads": "Too few fragments of the tumour show the allele",
    "low_fraction": "Allele fraction in the tumour is too small",
    "in_normal": "The normal shows the allele, or might carry it",
    "no_difference": "Fisher test: tumour and normal do not differ",
    "strand_bias": "Fisher test: the allele depends on the strand",
    "position_bias": "The allele is at ends of alignments or beside indels, or its reads do not fit otherwise",
    "orientation_bias": "Only one orientation of read pairs shows the allele, as many of its kind in this sample",
    "panel_of_normals": "The panel of normals has the allele",
    "germline": "There is no normal, and the allele may be germline by its share of reads and its frequency",
}


@dataclass(frozen=True)
class AlleleCounts:
    """Reads of one sample at one position.

    Attributes
    ----------
    forward, reverse
        Per strand (reads of the reference allele, reads of the other allele).
    total
        Reads of any allele.
    """

    forward: tuple[int, int]
    reverse: tuple[int, int]
    total: int

    @property
    def other(self) -> int:
        """Reads that show the other allele."""
        return self.forward[1] + self.reverse[1]

    @property
    def fraction(self) -> float:
        """Share of reads that show the other allele."""
        return self.other / self.total if self.total else 0.0


def counted(votes: Sequence[Vote], reference: Sequence[str], other: Sequence[str]) -> AlleleCounts:
    """Fragments per strand that show one of `reference` or one of `other`; all of them in `total`."""
    sides = {
        strand: (
            sum(vote.allele in reference for vote in votes if vote.forward == strand),
            sum(vote.allele in other for vote in votes if vote.forward == strand),
        )
        for strand in (True, False)
    }
    return AlleleCounts(sides[True], sides[False], len(votes))


def log_likelihood(other: int, total: int, fraction: float, error: float) -> float:
    """log10 likelihood of `other` of `total` reads if a share `fraction` of molecules carries the allele."""
    probability = fraction * (1 - error) + (1 - fraction) * error
    return other * math.log10(probability) + (total - other) * math.log10(1 - probability)


def tumour_log_odds(counts: AlleleCounts, error: float) -> float:
    """log10 odds of the allele at its observed fraction over sequencing error."""
    return log_likelihood(counts.other, counts.total, counts.fraction, error) - log_likelihood(
        counts.other, counts.total, 0.0, error
    )


def base_log_odds(votes: Sequence[Vote], reference: str, other: str) -> float:
    """log10 odds of a substitution at its observed fraction over sequencing error, by the quality of each base."""
    fraction = sum(vote.allele == other for vote in votes) / max(1, len(votes))
    odds = 0.0
    for vote in votes:
        error = max(vote.error, SMALLEST_BASE_ERROR) / 3  # towards one of three other bases
        if vote.allele == other:
            odds += math.log10((fraction * (1 - 3 * error) + (1 - fraction) * error) / error)
        elif vote.allele == reference:
            odds += math.log10((fraction * error + (1 - fraction) * (1 - 3 * error)) / (1 - 3 * error))
    return odds


def genotype_log_odds(shown: Mapping[Any, int], allele: Any, error: float) -> float:
    """log10 odds of the best diploid genotype without an allele over the best with it.

    Parameters
    ----------
    shown
        Fragments of the normal by the allele they show.
    allele
        The allele in question.
    error
        Share of fragments that show another allele by mistake; half of them this one.
    """

    def likelihood(genotype: tuple[Any, Any]) -> float:
        return sum(
            count * math.log10(sum((1 - error if one == seen else error / 2) for one in genotype) / 2)
            for seen, count in shown.items()
        )

    others = [one for one in shown if one != allele]
    if not others:
        return 0.0
    without = max(likelihood((one, two)) for one in others for two in others)
    return without - max(likelihood((allele, one)) for one in [*others, allele])


def more_in_tumour(tumour: AlleleCounts, normal: AlleleCounts) -> float:
    """P of the one-sided Fisher test that the allele is not more frequent in the tumour."""
    table = [[tumour.other, tumour.total - tumour.other], [normal.other, normal.total - normal.other]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def strand_p(tumour: AlleleCounts) -> float:
    """P of the two-sided Fisher test of allele against strand in the tumour."""
    return float(fisher_exact([list(tumour.forward), list(tumour.reverse)]).pvalue)


def repeat_units(bases: str) -> tuple[float, int]:
    """Copies and length of the unit of the repeat with most copies in `bases`, units of 1 to `LONGEST_UNIT` bases."""
    best, size = 1.0, 1
    for unit in range(1, LONGEST_UNIT + 1):
        run = 0
        for place in range(unit, len(bases)):
            run = run + 1 if bases[place] == bases[place - unit] else 0
            if run >= unit and (run + unit) / unit > best:
                best, size = (run + unit) / unit, unit
    return best, size


def indel_error(settings: Mapping[str, Any], bases: str) -> float:
    """Share of reads that show a wrong length of the stretch `bases`."""
    copies, unit = repeat_units(bases)
    scale = 2 ** (max(0.0, copies - REPEAT_FREE) / REPEAT_DOUBLING) / unit
    return float(min(BASE_ERROR * settings["indel_error_factor"] * scale, MAXIMUM_ERROR))


def at_ends(distances: Sequence[int], settings: Mapping[str, Any]) -> bool:
    """Whether an allele clusters at ends of alignments: median distance and its deviation, as MuTect's filter."""
    if not distances:
        return False
    middle = median(distances)
    spread = median(abs(one - middle) for one in distances)
    return bool(middle <= settings["minimum_end_distance"] and spread <= settings["minimum_end_spread"])


@dataclass(frozen=True)
class Candidate:
    """An allele with what both samples say about it.

    Attributes
    ----------
    tumour, normal
        Fragments; None if there is no normal.
    tumour_odds, normal_odds
        log10 odds that the tumour has it, and that the normal has not.
    minimum_odds, minimum_normal_odds, minimum_depth, minimum_reads
        Thresholds for this class of alleles.
    misplaced
        Whether its reads cannot be trusted there.
    """

    tumour: AlleleCounts
    normal: AlleleCounts | None
    tumour_odds: float
    normal_odds: float
    minimum_odds: float
    minimum_normal_odds: float
    minimum_depth: int
    minimum_reads: int
    misplaced: bool


def judge(candidate: Candidate, settings: Mapping[str, Any]) -> list[str]:
    """Names of the filters that speak against an allele's being somatic.

    Parameters
    ----------
    candidate
        The allele.
    settings
        Section `somatic` of the config.
    """
    tumour, normal = candidate.tumour, candidate.normal
    depth = tumour.total if normal is None else min(tumour.total, normal.total)
    failed = {
        "low_depth": depth < candidate.minimum_depth,
        "few_reads": tumour.other < candidate.minimum_reads,
        "low_fraction": tumour.fraction < settings["minimum_fraction"]
        or candidate.tumour_odds < candidate.minimum_odds,
        "in_normal": normal is not None
        and (
            normal.fraction > settings["maximum_normal_fraction"]
            or candidate.normal_odds < candidate.minimum_normal_odds
        ),
        "no_difference": normal is not None and more_in_tumour(tumour, normal) > settings["maximum_fisher_p"],
        "strand_bias": strand_p(tumour) < settings["minimum_strand_p"],
        "position_bias": candidate.misplaced,
    }
    return [name for name, wrong in failed.items() if wrong]
