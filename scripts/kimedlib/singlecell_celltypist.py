"""CellTypist models without CellTypist: coefficients read without running what the file holds, then its formula.

A model file is a pickle, which is a programme: loading one runs whatever its author wrote. Here nothing but arrays,
numbers and text is rebuilt; objects of scikit-learn become empty boxes that keep their attributes.
"""

import io
import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, special

from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_embedding import Matrix

# CellTypist's limit of scaled expression, upwards only.
HIGHEST = 10.0
NUMPY = {("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")}
NUMPY |= {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}
# Classes whose attributes are wanted, and parts of them that are of no use here.
BOXES = ("sklearn.linear_model.", "sklearn.preprocessing.", "sklearn._loss", "_loss")
UNUSED = {("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}
# What bytes that are no pickle, or another's, raise.
BROKEN = (EOFError, LookupError, ValueError, TypeError, AttributeError, ImportError, ArithmeticError, MemoryError)
REMEDY = "give the .pkl that CellTypist's `train` or its own models came as"


class Box:
    """Attributes of an object whose class is not run."""

    def __init__(self, *_: Any) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        """Keep the attributes."""
        self.state = state if isinstance(state, dict) else {}


class Reader(pickle.Unpickler):
    """Unpickler that knows arrays, numbers, text and boxes only."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the file stands for.

        Raises
        ------
        pickle.UnpicklingError
            Nothing that a CellTypist model needs.
        """
        if (module, name) in NUMPY:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        if (module, name) in UNUSED or module.startswith(BOXES):
            return Box
        raise pickle.UnpicklingError(f"it wants to run {module}.{name}")


@dataclass(frozen=True)
class Model:
    """Logistic regression of scaled expression.

    Attributes
    ----------
    types, genes
        Names.
    coefficients
        Types x genes (one row for two types, of the second).
    intercepts
        Of each row.
    means, deviations
        Of each gene, log-normalised to 10,000 counts.
    """

    types: NDArray[np.object_]
    genes: pd.Index
    coefficients: Matrix
    intercepts: Matrix
    means: Matrix
    deviations: Matrix


def read_model(path: Path) -> Model:
    """The model that a file holds.

    Raises
    ------
    InputProblems
        The file holds anything else.
    """
    try:
        loaded = Reader(io.BytesIO(path.read_bytes())).load()
        classifier, scaler = loaded["Model"].state, loaded["Scaler_"].state
        genes = classifier["features"]
        shape = len(genes)
        model = Model(
            np.asarray(classifier["classes_"], dtype=object).astype(str).astype(object),
            pd.Index(np.asarray(genes).astype(str), dtype=object),
            np.asarray(classifier["coef_"], dtype=np.float64),
            np.asarray(classifier["intercept_"], dtype=np.float64),
            np.zeros(shape) if scaler.get("mean_") is None else np.asarray(scaler["mean_"], dtype=np.float64),
            np.asarray(scaler["scale_"], dtype=np.float64),
        )
        rows = len(model.types) if len(model.types) > 2 else 1
        sizes = model.coefficients.shape, model.intercepts.shape, model.means.shape, model.deviations.shape
        if sizes != ((rows, shape), (rows,), (shape,), (shape,)) or len(model.types) < 2:
            raise ValueError(f"sizes of its parts do not fit: {sizes}")
    except (pickle.UnpicklingError, *BROKEN) as error:
        found = f"is no CellTypist model ({type(error).__name__}: {str(error)[:120]})"
        raise InputProblems([Problem(str(path), "", found, REMEDY)]) from None
    return model


def predicted(
    model: Model, blocks: Iterable[tuple[slice, sparse.csr_matrix]], genes: pd.Index, cells: int,
    normalise: Callable[[sparse.csr_matrix], sparse.csr_matrix],
) -> tuple[NDArray[np.object_], Matrix]:  # fmt: skip
    """Type of each cell and its probability, as CellTypist's "best match".

    Expression is scaled as in training and cut at 10 from above; genes of the model that were not measured are left
    out. Each type has a probability of its own (one against the rest), so they do not add up to one.

    Parameters
    ----------
    blocks
        Rows and values (cells x genes), all cells once.
    normalise
        Makes of a block log values per 10,000 counts.

    References
    ----------
    Domínguez Conde et al., Science 376:eabl5197 (2022), doi:10.1126/science.abl5197.
    """
    place = model.genes.get_indexer(genes)
    measured = np.flatnonzero(place >= 0)
    place = place[measured]
    weights = model.coefficients[:, place].T
    means, deviations = model.means[place], model.deviations[place]
    best, probability = np.zeros(cells, dtype=np.int64), np.zeros(cells)
    for rows, block in blocks:
        scaled = (normalise(block)[:, measured].toarray() - means) / deviations
        scores = np.minimum(scaled, HIGHEST) @ weights + model.intercepts
        if scores.shape[1] == 1:
            scores = np.column_stack([-scores, scores])
        best[rows] = scores.argmax(axis=1)
        probability[rows] = special.expit(scores.max(axis=1))
    return model.types[best], probability


def agreement(cells: pd.DataFrame) -> pd.DataFrame:
    """How cells of each type by markers are called: columns cell_type, called, cells, share (of that type)."""
    counted = cells.groupby(["cell_type", "called"]).size().rename("cells").reset_index()
    counted["share"] = counted["cells"] / counted.groupby("cell_type")["cells"].transform("sum")
    return counted.sort_values(["cell_type", "cells", "called"], ascending=[True, False, True], kind="stable")
