"""Surface proteins measured with the cells' RNA (CITE-seq): reading, normalisation, gates."""

import re
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from kimedlib.cells_reading import PROTEINS, content_problems, format_of, named_errors, read_h5, read_mtx
from kimedlib.problems import InputProblems, Problem

Matrix = NDArray[np.float64]


def read_proteins(path: Path) -> ad.AnnData:
    """Counts of the "Antibody Capture" features of a 10x folder or H5 file, cells x proteins.

    Raises
    ------
    InputProblems
        Another format, no such features, or values that are no counts.
    """
    kind = format_of(path)
    if kind not in ("h5", "mtx"):
        found = "holds no proteins: only 10x folders and 10x H5 files tell them from genes"
        raise InputProblems([Problem(str(path), "", found, "give the 10x output, or leave out `proteins`")])
    with named_errors(path):
        data = read_h5(path, PROTEINS) if kind == "h5" else read_mtx(path, PROTEINS)
        if not data.n_vars:
            found, remedy = f"has no features of type '{PROTEINS}'", "give CITE-seq output, or leave out `proteins`"
            raise InputProblems([Problem(str(path), "feature types", found, remedy)])
        if problems := content_problems(data, path, "proteins"):
            raise InputProblems(problems)
    values = data.X.data
    if (values % 1 != 0).any():
        example = values[values % 1 != 0][0]
        raise InputProblems([Problem(str(path), PROTEINS, f"is no count: {example:.3g}", "give raw counts")])
    return data


def centred_log_ratios(counts: Matrix) -> Matrix:
    """log(count + 1) of each protein less the cell's mean over its proteins (cells x proteins).

    References
    ----------
    Stoeckius et al., Nat Methods 14:865 (2017), doi:10.1038/nmeth.4380.
    """
    logs = np.log1p(np.asarray(counts, dtype=np.float64))
    ratios: Matrix = logs - logs.mean(axis=1, keepdims=True)
    return ratios


def positive(values: Matrix, seed: int) -> NDArray[np.bool_]:
    """Cells of the upper of two normal distributions; none where two describe the values no better than one (BIC)."""
    column = values[:, None]
    none = np.zeros(len(values), dtype=bool)
    if len(values) < 20 or np.ptp(values) == 0:
        return none
    one = GaussianMixture(1).fit(column)
    # Start from both ends: random starts find the split of small positive groups by luck.
    ends = np.quantile(values, [0.25, 0.98])[:, None]
    two = GaussianMixture(2, means_init=ends, random_state=seed).fit(column)
    if two.bic(column) >= one.bic(column):
        return none
    upper = int(np.argmax(two.means_[:, 0]))
    above: NDArray[np.bool_] = (two.predict_proba(column)[:, upper] > 0.5) & (values > two.means_[1 - upper, 0])
    return above


def panel_names(names: pd.Index, aliases: dict[str, list[str]]) -> dict[str, str]:
    """Short name of each protein -> its column: CD3_TotalSeqB, Hu.CD3-UCHT1, CD3E are CD3. The first counts."""
    known = {other.upper(): name for name, others in aliases.items() for other in [name, *others]}
    found: dict[str, str] = {}
    for name in names:
        bare = re.sub(
            r"^(anti[-_. ]?human|anti|human|hums|hu|adt|ab)[-_. ]+", "", str(name).strip(), flags=re.IGNORECASE
        )
        short = re.split(r"[_ .(]", bare)[0].upper()
        # Clones stand behind a hyphen; in HLA-DR and PD-1 it belongs to the name.
        short = re.sub(r"^(CD\d+[A-Z]*)-.*", r"\1", short)
        found.setdefault(known.get(short, short), str(name))
    return found


def gated(signs: pd.DataFrame, types: dict[str, dict[str, list[str]]]) -> pd.Series:
    """Type of each cell by its proteins; "" where no type or several fit.

    Parameters
    ----------
    signs
        Cells x proteins (short names), True where positive.
    types
        Name -> present and absent proteins. Types whose `present` proteins are not all in the panel fit no cell.
    """
    fits = pd.DataFrame(False, index=signs.index, columns=list(types))
    for name, gates in types.items():
        if set(gates["present"]) <= set(signs.columns):
            absent = [protein for protein in gates["absent"] if protein in signs]
            fits[name] = signs[gates["present"]].all(axis=1) & ~signs[absent].any(axis=1)
    only = fits.sum(axis=1) == 1
    return fits.idxmax(axis=1).where(only, "").astype(str)


def sample_signs(ratios: pd.DataFrame, samples: pd.Series, seed: int) -> pd.DataFrame:
    """True where a protein is positive, judged within each sample: staining differs between them."""
    values = ratios.to_numpy(dtype=np.float64)
    signs = np.zeros(values.shape, dtype=bool)
    for name in sorted(samples.unique()):
        members = np.flatnonzero((samples == name).to_numpy())
        for place in range(values.shape[1]):
            signs[members, place] = positive(values[members, place], seed)
    return pd.DataFrame(signs, index=ratios.index, columns=ratios.columns)


def agreement(types: pd.Series, truth: pd.Series) -> pd.DataFrame:
    """How the annotation by RNA does in cells that their proteins name.

    Parameters
    ----------
    types, truth
        Same index; `truth` is "" where proteins name no type.

    Returns
    -------
    pandas.DataFrame
        Columns cell_type (`all` first), cells, recall (share of them that RNA names so), precision (share of the
        gated cells that RNA names so which proteins name so too).
    """
    known = truth != ""
    rows: list[dict[str, Any]] = [
        {"cell_type": "all", "cells": int(known.sum()), "recall": float((types == truth)[known].mean())}
    ]
    for name in sorted(truth[known].unique()):
        mine, theirs = truth[known] == name, types[known] == name
        rows.append(
            {
                "cell_type": name,
                "cells": int(mine.sum()),
                "recall": float((mine & theirs).sum() / mine.sum()),
                "precision": float((mine & theirs).sum() / theirs.sum()) if theirs.any() else float("nan"),
            }
        )
    return pd.DataFrame(rows, columns=["cell_type", "cells", "recall", "precision"])
