"""Ligands of one cell type that meet receptors on another: scores per donor, and what shuffled types give."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.problems import InputProblems, Problem

Matrix = NDArray[np.float64]
COLUMNS = ("ligand", "receptor")


def read_pairs(path: Path) -> pd.DataFrame:
    """Columns ligand and receptor, of genes or of complexes as `A+B`; other columns are kept.

    Raises
    ------
    InputProblems
        A column is absent, a cell is empty, or a pair stands twice.
    """
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    remedy = "give a table with columns ligand and receptor, complexes as A+B"
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise InputProblems([Problem(str(path), f"column {name}", "is absent", remedy) for name in missing])
    problems = [
        Problem(str(path), f"line {place + 2}, column {name}", "is empty or holds an empty part", remedy)
        for name in COLUMNS
        for place, text in enumerate(table[name])
        if not all(part.strip() for part in text.split("+"))
    ]
    twice = table.duplicated(list(COLUMNS))
    problems += [
        Problem(str(path), f"line {place + 2}", "stands twice", "keep one of each pair")
        for place in np.flatnonzero(twice.to_numpy())
    ]
    if problems:
        raise InputProblems(problems)
    return table


def measured_pairs(pairs: pd.DataFrame, genes: pd.Index) -> pd.DataFrame:
    """Pairs all of whose genes were measured."""
    known = set(genes)
    whole = [
        all(gene in known for name in COLUMNS for gene in str(row[name]).split("+")) for row in pairs.to_dict("records")
    ]
    return pairs[whole].reset_index(drop=True)


def parts_of(names: pd.Series, genes: pd.Index) -> NDArray[np.int64]:
    """Places of the parts of each gene or complex in `genes` (names x parts; the first part fills up short ones)."""
    places = [genes.get_indexer(pd.Index(name.split("+"))) for name in names]
    longest = max(map(len, places), default=1)
    filled = [np.concatenate([row, np.repeat(row[0], longest - len(row))]) for row in places]
    return np.array(filled, dtype=np.int64).reshape(len(places), longest)


@dataclass(frozen=True)
class Combinations:
    """Pairs of genes between pairs of types, as places: all arrays (combinations,), parts (combinations, parts)."""

    sender: NDArray[np.int64]
    receiver: NDArray[np.int64]
    pair: NDArray[np.int64]
    ligand: NDArray[np.int64]
    receptor: NDArray[np.int64]

    def sides(self, means: Matrix) -> tuple[Matrix, Matrix]:
        """Ligand in the sender and receptor in the receiver; a complex is as strong as its weakest part.

        Parameters
        ----------
        means
            Types x genes.
        """
        sending = means[self.sender[:, None], self.ligand].min(axis=1)
        receiving = means[self.receiver[:, None], self.receptor].min(axis=1)
        return sending, receiving

    def only(self, chosen: NDArray[np.bool_]) -> "Combinations":
        """Some of them."""
        return Combinations(*(values[chosen] for values in vars(self).values()))


def combinations(pairs: pd.DataFrame, genes: pd.Index, types: int) -> Combinations:
    """Every pair from every type to every type, itself included."""
    axes = [np.arange(number, dtype=np.int64) for number in (types, types, len(pairs))]
    sender, receiver, pair = (places.ravel() for places in np.meshgrid(*axes, indexing="ij"))
    return Combinations(
        sender, receiver, pair, parts_of(pairs["ligand"], genes)[pair], parts_of(pairs["receptor"], genes)[pair]
    )


class Unit:
    """Cells of one donor in one condition: expression of the pairs' genes and the type of each cell.

    Attributes
    ----------
    present
        Types with enough cells, (types,); only these send and receive.
    """

    def __init__(self, expression: sparse.csr_matrix, codes: NDArray[np.int64], types: int, minimum_cells: int) -> None:
        self.expression = np.asarray(expression.todense(), dtype=np.float64)
        self.codes = codes
        self.sizes = np.bincount(codes, minlength=types).astype(float)
        self.present = self.sizes >= minimum_cells

    def means(self, codes: NDArray[np.int64], expression: Matrix) -> Matrix:
        """Mean of each gene over the cells of each type (types x genes); NaN for types that are not present."""
        cells = len(codes)
        member = sparse.csr_matrix((np.ones(cells), (codes, np.arange(cells))), shape=(len(self.sizes), cells))
        found: Matrix = np.asarray(member @ expression) / np.maximum(self.sizes, 1)[:, None]
        found[~self.present] = np.nan
        return found

    def scores(self, asked: Combinations, codes: NDArray[np.int64]) -> Matrix:
        """Geometric mean of ligand and receptor with the cells' types given by `codes`, (combinations,)."""
        sending, receiving = asked.sides(self.means(codes, self.expression))
        scores: Matrix = np.sqrt(sending * receiving)
        return scores


def average(scores: Matrix) -> Matrix:
    """Mean over the units (first axis) that have both types; NaN where none has."""
    known = np.isfinite(scores)
    total = known.sum(axis=0)
    return np.where(total > 0, np.where(known, scores, 0).sum(axis=0) / np.maximum(total, 1), np.nan)


def detected(units: list[Unit], asked: Combinations, minimum_share: float) -> NDArray[np.bool_]:
    """Where enough cells show ligand and receptor, in the mean over units, (combinations,)."""
    shares = average(np.stack([unit.means(unit.codes, (unit.expression > 0).astype(float)) for unit in units]))
    sending, receiving = asked.sides(np.nan_to_num(shares))
    found: NDArray[np.bool_] = (sending >= minimum_share) & (receiving >= minimum_share)
    return found


def specificity(
    units: list[Unit], asked: Combinations, permutations: int, random: np.random.Generator
) -> tuple[Matrix, Matrix, Matrix]:
    """Scores of each unit (units x combinations), p-value of their mean and adjusted p-value (combinations,).

    Types are shuffled among the cells of each unit, so differences between donors make no signal; the statistic is
    the mean over units, so many cells of one donor make none either. Adjusted: the share of shuffles in which any
    combination stands out as much (maximum of the standardised statistics), which bounds the chance of one false
    combination; Benjamini-Hochberg would need far more shuffles.

    References
    ----------
    Efremova et al., Nat Protoc 15:1484 (2020), doi:10.1038/s41596-020-0292-x (shuffled types, weakest part of a
    complex); Westfall & Young, Resampling-Based Multiple Testing (1993).
    """
    observed = np.stack([unit.scores(asked, unit.codes) for unit in units])
    middle = average(observed)
    shuffled = np.stack(
        [
            average(np.stack([unit.scores(asked, random.permutation(unit.codes)) for unit in units]))
            for _ in range(permutations)
        ]
    )
    p_values = (1 + (shuffled >= middle - 1e-12).sum(axis=0)) / (permutations + 1)
    centre, spread = shuffled.mean(axis=0), np.maximum(shuffled.std(axis=0), 1e-12)
    highest = ((shuffled - centre) / spread).max(axis=1)
    adjusted = (1 + (highest[:, None] >= (middle - centre) / spread).sum(axis=0)) / (permutations + 1)
    return observed, p_values, adjusted
