"""Linear models of the condition for many measurements at once, and what exchanged labels make of them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kimedlib.singlecell_design import Design, design_matrix, relabelings

Matrix = NDArray[np.float64]
RELABELINGS = 999
LEVEL = 0.05


def condition_statistics(values: Matrix, base: Matrix, labels: Matrix) -> tuple[Matrix, int]:
    """Statistic t of the condition for each labelling and measurement (labellings x measurements), and its freedom.

    Ordinary least squares of `values` (units x measurements) on `base` (units x parameters) and one row of `labels`
    (labellings x units); by the Frisch-Waugh theorem both are reduced to residuals on `base` first. NaN where the
    labelling cannot be told apart from `base`, or nothing varies.
    """
    basis, _ = np.linalg.qr(base)
    outcome = values - basis @ (basis.T @ values)
    label = labels.T - basis @ (basis.T @ labels.T)
    spread = (label**2).sum(axis=0)[:, None]
    product = label.T @ outcome
    freedom = len(values) - base.shape[1] - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.maximum((outcome**2).sum(axis=0) - product**2 / spread, 0)
        statistic: Matrix = product / np.sqrt(spread * residual / freedom)
    statistic[(spread < 1e-9).ravel()] = np.nan
    statistic[:, (outcome**2).sum(axis=0) < 1e-18] = np.nan
    return statistic, freedom


def permutation_null(
    values: pd.DataFrame, samples: pd.DataFrame, design: Design, contrast: str, seed: int
) -> pd.DataFrame:
    """What exchanged labels say of each measurement's test.

    Parameters
    ----------
    values
        Units x measurements, no missing values.
    samples
        Same index: units of the two conditions; columns patient_id, condition, batch.

    Returns
    -------
    pandas.DataFrame
        Index measurements; permutation_p (share of labellings, the real one among them, with a statistic as large),
        relabelings (their number: 1 / relabelings bounds the p-value) and null_rate (share of the labellings that are
        neither the real one nor its opposite with p < 0.05: 0.05 if the test keeps its promise).

    References
    ----------
    Phipson & Smyth, Stat Appl Genet Mol Biol 9:39 (2010), doi:10.2202/1544-6115.1585.
    """
    labels = relabelings(samples, design, contrast, RELABELINGS, seed)
    base = design_matrix(samples, design, contrast)[:, :-1]
    statistics, freedom = condition_statistics(values.to_numpy(dtype=float), base, labels)
    # Rounded, so that labellings that are equal by symmetry are equal.
    sizes = np.abs(statistics).round(9)
    with np.errstate(invalid="ignore"):
        extreme = (sizes >= sizes[0]).sum(axis=0) / np.isfinite(sizes).sum(axis=0).clip(min=1)
    other = ~np.all(labels == 1 - labels[0], axis=1)
    other[0] = False
    p_values = 2 * stats.t.sf(sizes[other], freedom)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = (p_values < LEVEL).sum(axis=0) / np.isfinite(p_values).sum(axis=0)
    return pd.DataFrame(
        {
            "permutation_p": np.where(np.isfinite(sizes[0]), extreme, np.nan),
            "relabelings": len(labels),
            "null_rate": rate,
        },
        index=values.columns,
    )
