"""Is an allele somatic? Likelihoods of tumour and normal, Fisher tests of their difference and of strands.

The odds follow MuTect (Cibulskis et al. 2013, doi:10.1038/nbt.2514): in the tumour the allele at its observed
fraction against sequencing error only, in the normal homozygous reference against heterozygous.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import fisher_exact

# Reads with a wrong length double with every four bases of a repeat beyond six; the rise is that of stutter in
# homopolymers and short tandem repeats, the scale is set by `indel_error_factor`
REPEAT_FREE, REPEAT_DOUBLING = 6, 4
LONGEST_UNIT = 6
MAXIMUM_ERROR = 0.3
BASE_ERROR = 0.001  # substitutions towards one allele that pass a base quality of 20
FILTERS = {
    "low_depth": "Tumour or normal has too few reads",
    "few_reads": "Too few reads of the tumour show the allele",
    "low_fraction": "Allele fraction in the tumour is too small",
    "in_normal": "The normal shows the allele, or might be heterozygous",
    "no_difference": "Fisher test: tumour and normal do not differ",
    "strand_bias": "Fisher test: the allele depends on the strand",
    "position_bias": "The allele is at ends of reads, or in reads that are clipped",
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


def log_likelihood(other: int, total: int, fraction: float, error: float) -> float:
    """log10 likelihood of `other` of `total` reads if a share `fraction` of molecules carries the allele."""
    probability = fraction * (1 - error) + (1 - fraction) * error
    return other * math.log10(probability) + (total - other) * math.log10(1 - probability)


def tumour_log_odds(counts: AlleleCounts, error: float) -> float:
    """log10 odds of the allele at its observed fraction over sequencing error."""
    return log_likelihood(counts.other, counts.total, counts.fraction, error) - log_likelihood(
        counts.other, counts.total, 0.0, error
    )


def normal_log_odds(counts: AlleleCounts, error: float) -> float:
    """log10 odds of homozygous reference over heterozygous."""
    return log_likelihood(counts.other, counts.total, 0.0, error) - log_likelihood(
        counts.other, counts.total, 0.5, error
    )


def more_in_tumour(tumour: AlleleCounts, normal: AlleleCounts) -> float:
    """P of the one-sided Fisher test that the allele is not more frequent in the tumour."""
    table = [[tumour.other, tumour.total - tumour.other], [normal.other, normal.total - normal.other]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def strand_p(tumour: AlleleCounts) -> float:
    """P of the two-sided Fisher test of allele against strand in the tumour."""
    return float(fisher_exact([list(tumour.forward), list(tumour.reverse)]).pvalue)


def repeat_length(bases: str) -> int:
    """Length of the longest repeat that `bases` begin with, of units of 1 to `LONGEST_UNIT` bases."""
    longest = 1
    for unit in range(1, LONGEST_UNIT + 1):
        length = unit
        while length < len(bases) and bases[length] == bases[length - unit]:
            length += 1
        if length >= 2 * unit:
            longest = max(longest, length)
    return longest


def indel_error(settings: Mapping[str, Any], repeat: int) -> float:
    """Share of reads with a wrong length of a repeat of so many bases."""
    scale = 2 ** (max(0, repeat - REPEAT_FREE) / REPEAT_DOUBLING)
    return float(min(BASE_ERROR * settings["indel_error_factor"] * scale, MAXIMUM_ERROR))


def position_bias(read_position_z: float, clipping_z: float) -> float:
    """Largest sign that the allele comes from badly aligned ends of reads, as a z-score.

    Parameters
    ----------
    read_position_z, clipping_z
        Mann-Whitney z-scores of bcftools for position in the read (RPBZ) and clipped bases (SCBZ, positive where
        reads with the allele are clipped more). Both together count as their normalised sum.
    """
    both = (abs(read_position_z) + max(0.0, clipping_z)) / math.sqrt(2)
    return max(abs(read_position_z), both)


def judge(
    tumour: AlleleCounts, normal: AlleleCounts, error: float, position_z: float, settings: Mapping[str, Any]
) -> tuple[float, Sequence[str]]:
    """Log odds of an allele in the tumour and the filters that speak against its being somatic.

    Parameters
    ----------
    tumour, normal
        Reads of both samples.
    error
        Share of reads that show the allele by mistake.
    position_z
        Result of `position_bias`.
    settings
        Section `somatic` of the config.
    """
    odds = tumour_log_odds(tumour, error)
    failed = {
        "low_depth": min(tumour.total, normal.total) < settings["minimum_depth"],
        "few_reads": tumour.other < settings["minimum_alternative_reads"],
        "low_fraction": tumour.fraction < settings["minimum_fraction"] or odds < settings["minimum_tumour_log_odds"],
        "in_normal": normal.fraction > settings["maximum_normal_fraction"]
        or normal_log_odds(normal, BASE_ERROR) < settings["minimum_normal_log_odds"],
        "no_difference": more_in_tumour(tumour, normal) > settings["maximum_fisher_p"],
        "strand_bias": strand_p(tumour) < settings["minimum_strand_p"],
        "position_bias": position_z > settings["maximum_position_z"],
    }
    return odds, [name for name, wrong in failed.items() if wrong]
