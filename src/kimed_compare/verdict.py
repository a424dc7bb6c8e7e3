"""What a comparison says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """Outcome for one output, best first."""

    IDENTICAL = "identical"
    WITHIN = "within tolerance"
    DIFFERS = "differs"
    MISSING = "missing"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Verdict:
    """Outcome of comparing one output with its reference.

    Attributes
    ----------
    status
        The outcome. `IDENTICAL` means: equal in everything the comparator looks at; `exact` looks at every byte.
    distance
        How far apart, by measure (e.g. `relative`, `absolute`, `dice_loss`, `discordant_genotypes`); 0 is equal.
    tolerance
        The limit for each measure that has one.
    details
        Differences in words, the most important first, at most some dozens; for people.
    """

    status: Status
    distance: Mapping[str, float] = field(default_factory=dict)
    tolerance: Mapping[str, float] = field(default_factory=dict)
    details: tuple[str, ...] = ()
