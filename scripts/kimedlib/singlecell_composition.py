"""Share of each cell type per sample, and its difference between two conditions."""

import contextlib
import importlib
import io
import warnings

import numpy as np
import pandas as pd
from scipy import stats

from kimedlib.logs import only_errors
from kimedlib.singlecell_design import Design, design_matrix


def composition(cells: pd.DataFrame, types: list[str]) -> pd.DataFrame:
    """Cells, fraction and centred log-ratio per group and type.

    The log-ratio uses counts + 0.5 (Haldane-Anscombe), as a type may be absent from a sample.

    Parameters
    ----------
    cells
        Columns `group` and `cell_type`, one row per cell.
    types
        Types to report, in this order; cells of other types are not counted.

    Returns
    -------
    pandas.DataFrame
        Columns group, cell_type, cells, fraction, clr (natural logarithm).

    References
    ----------
    Aitchison, J R Stat Soc B 44:139 (1982).
    """
    counts = pd.crosstab(cells["group"], cells["cell_type"]).reindex(columns=types, fill_value=0)
    fractions = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    logs = np.log(counts.to_numpy(dtype=float) + 0.5)
    ratios = logs - logs.mean(axis=1, keepdims=True)
    result = pd.DataFrame({"group": np.repeat(counts.index, len(types)), "cell_type": np.tile(types, len(counts))})
    return result.assign(cells=counts.to_numpy().ravel(), fraction=fractions.to_numpy().ravel(), clr=ratios.ravel())


def linear_effect(values: np.ndarray, matrix: np.ndarray, level: float = 0.95) -> dict[str, float]:
    """Least-squares estimate of the last column's coefficient with confidence interval and p-value (t distribution)."""
    coefficients, *_ = np.linalg.lstsq(matrix, values, rcond=None)
    residual = values - matrix @ coefficients
    freedom = len(values) - matrix.shape[1]
    covariance = np.linalg.inv(matrix.T @ matrix) * float(residual @ residual) / freedom
    estimate, error = float(coefficients[-1]), float(np.sqrt(covariance[-1, -1]))
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(estimate) / error, freedom)) if error > 0 else float("nan")
    return {"effect": estimate, "ci_low": estimate - reach, "ci_high": estimate + reach, "p_value": p_value}


def adjusted(p_values: pd.Series) -> pd.Series:
    """Benjamini-Hochberg; NaN stays NaN and does not count as a test."""
    result = pd.Series(np.nan, index=p_values.index)
    tested = p_values.dropna()
    if len(tested):
        result[tested.index] = stats.false_discovery_control(tested.to_numpy(), method="bh")
    return result


def compare(table: pd.DataFrame, samples: pd.DataFrame, design: Design, reference: str, contrast: str) -> pd.DataFrame:
    """Difference of the centred log-ratio between the conditions for each type.

    Parameters
    ----------
    table
        From `composition`, grouped by sample.
    samples
        Index sample; columns patient_id, condition, batch.

    Returns
    -------
    pandas.DataFrame
        Columns cell_type, mean_fraction_<reference>, mean_fraction_<contrast>, effect, ci_low, ci_high, p_value,
        p_adjusted.
    """
    chosen = samples[samples["condition"].isin([reference, contrast])]
    matrix = design_matrix(chosen, design, contrast)
    rows = []
    for name, members in table.groupby("cell_type", sort=False):
        part = members.set_index("group").reindex(chosen.index)
        means = part.groupby(chosen["condition"])["fraction"].mean()
        row: dict[str, object] = {"cell_type": name}
        row |= {f"mean_fraction_{label}": means[label] for label in (reference, contrast)}
        rows.append(row | linear_effect(part["clr"].to_numpy(dtype=float), matrix))
    result = pd.DataFrame(rows)
    result["p_adjusted"] = adjusted(result["p_value"])
    return result


def propeller(cells: pd.DataFrame, samples: pd.DataFrame, design: Design, reference: str, contrast: str) -> pd.Series:
    """p-value of each type by propeller: logit proportions, t tests moderated over the types.

    A second opinion on `compare`: it weighs shares one by one, not against the other types.

    Parameters
    ----------
    cells
        Columns `group` and `cell_type`, one row per cell.
    samples
        Index group; columns patient_id, condition, batch.

    Raises
    ------
    RuntimeError
        scanpro, which comes as source only and is no part of the locked environments, is not installed.

    References
    ----------
    Phipson et al., Bioinformatics 38:4720 (2022), doi:10.1093/bioinformatics/btac582; scanpro: Alayoubi et al., Sci
    Rep 14:15581 (2024), doi:10.1038/s41598-024-66381-7.
    """
    try:
        # Not in the environments, and so not an import that they have to satisfy.
        scanpro = importlib.import_module("scanpro.scanpro").scanpro
    except ImportError as error:
        raise RuntimeError(
            "comparison.propeller needs scanpro: pip install --no-deps scanpro==0.4.1, or `propeller: false`"
        ) from error

    # Letters first: names that look like numbers would enter the model as numbers.
    described = "v" + samples[["patient_id", "condition", "batch"]].astype(str)
    table = cells.loc[cells["group"].isin(samples.index), ["group", "cell_type"]].join(described, on="group")
    with contextlib.redirect_stdout(io.StringIO()), only_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = scanpro(
            table[["group", "cell_type", "condition", *design.terms]], clusters_col="cell_type",
            conds_col="condition", samples_col="group", covariates=list(design.terms) or None, transform="logit",
            conditions=[f"v{reference}", f"v{contrast}"], run_partial_sim=False, verbosity=0,
        )  # fmt: skip
    p_values: pd.Series = found.results["p_values"].astype(float)
    return p_values
