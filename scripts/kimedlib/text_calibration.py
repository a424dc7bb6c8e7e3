"""How far the model's probabilities can be believed, and a correction for it.

Platt scaling (Platt 1999, "Probabilistic outputs for support vector machines"): a logistic regression on the log odds
of the model, learned from letters that the model did not see. It is strictly increasing: no order changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EDGES = (0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
"""Limits of the bins of a reliability table: finer where `safe` decides."""
CLIP = 1e-6


@dataclass(frozen=True)
class Calibration:
    """`slope` and `offset` of the corrected log odds; (1, 0) changes nothing."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, chances: np.ndarray) -> np.ndarray:
        """Corrected probabilities, shape as given."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * log_odds(chances) + self.offset))))


def log_odds(chances: np.ndarray) -> np.ndarray:
    """Log odds, probabilities kept away from 0 and 1."""
    kept = np.clip(chances, CLIP, 1 - CLIP)
    return np.asarray(np.log(kept / (1 - kept)))


def fit(chances: np.ndarray, truth: np.ndarray) -> Calibration:
    """Platt scaling.

    Parameters
    ----------
    chances, truth
        Probability of each token, shape (n,), and whether it is part of an identifier.

    Returns
    -------
    Calibration
        The identity if all tokens are of one kind, or if the fit would turn the order round.
    """
    from sklearn.linear_model import LogisticRegression

    if truth.all() or not truth.any():
        return Calibration()
    model = LogisticRegression(C=1e6).fit(log_odds(chances)[:, None], truth)
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    return Calibration(round(slope, 6), round(offset, 6)) if slope > 0 else Calibration()


def fit_apart(chances: Sequence[np.ndarray], truth: Sequence[np.ndarray], parts: int) -> list[np.ndarray]:
    """Corrected probabilities of each letter by a calibration that did not see it: letter `i` is of part
    `i % parts`.
    """
    result: list[np.ndarray] = []
    for number, one in enumerate(chances):
        others = [other for other in range(len(chances)) if other % parts != number % parts]
        if not others:
            result.append(one)
            continue
        result.append(
            fit(np.concatenate([chances[o] for o in others]), np.concatenate([truth[o] for o in others]))(one)
        )
    return result


def reliability(chances: np.ndarray, truth: np.ndarray) -> list[dict[str, float]]:
    """Per bin of probability: number of tokens, their mean probability, the share that are identifiers."""
    bins = np.clip(np.searchsorted(EDGES, chances, side="right") - 1, 0, len(EDGES) - 2)
    rows = []
    for number in range(len(EDGES) - 1):
        chosen = bins == number
        if chosen.any():
            rows.append(
                {
                    "low": EDGES[number],
                    "high": EDGES[number + 1],
                    "tokens": int(chosen.sum()),
                    "mean_probability": float(chances[chosen].mean()),
                    "identifiers": float(truth[chosen].mean()),
                }
            )
    return rows


def expected_error(rows: Sequence[dict[str, float]]) -> float:
    """Expected calibration error: mean distance of probability and share, weighted by tokens."""
    total = sum(row["tokens"] for row in rows)
    return sum(row["tokens"] * abs(row["mean_probability"] - row["identifiers"]) for row in rows) / max(total, 1)
