"""Exact intervals of proportions and counts, for the small numbers of real evaluations."""

from scipy.special import betaincinv, gammaincinv


def exact_interval(hits: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a proportion (1934, doi:10.1093/biomet/26.4.404).

    Raises
    ------
    ValueError
        More hits than there are, or nothing at all.
    """
    if not 0 <= hits <= total or total == 0:
        raise ValueError(f"{hits} of {total} is no proportion")
    tail = (1 - level) / 2
    low = float(betaincinv(hits, total - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, total - hits, 1 - tail)) if hits < total else 1.0
    return low, high


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of the mean behind a Poisson count (Garwood 1936, doi:10.1093/biomet/28.3-4.437).

    Raises
    ------
    ValueError
        A negative count.
    """
    if count < 0:
        raise ValueError(f"{count} is no count")
    tail = (1 - level) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    return low, float(gammaincinv(count + 1, 1 - tail))
