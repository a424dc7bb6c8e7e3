"""Cell types of a labelled reference carried over to other cells, with "unknown" for what it does not hold.

Both sets share one space of components. A cell takes the label of its nearest reference cells; it is unknown where
the vote was too often wrong inside the reference, or where most cells of its group are farther from reference cells
than from their own kind. How far they are is not judged where batches were corrected, since that pulls an unseen type
onto its relatives.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.isotonic import IsotonicRegression
from sklearn.neighbors import NearestNeighbors

from kimedlib.seeding import generator
from kimedlib.singlecell_embedding import (
    Matrix,
    leiden,
    log_normalised,
    nearest,
    principal_components,
    shared_neighbour_graph,
)  # fmt: skip
from kimedlib.singlecell_genes import GeneMoments, batch_codes, variable_genes
from kimedlib.singlecell_informative import chance_variance, informative_components
from kimedlib.singlecell_integration import choose_integration, harmony

UNKNOWN = "unknown"
COMPONENT_BOUNDS = (5, 50)
# Few, so that types with few cells still fill a neighbourhood.
NEIGHBOURS = 10
# One shift of a batch, and one level of strangeness, is the middle one of at least so many types of so many cells.
LEAST_TYPES, LEAST_CELLS, ROUNDS = 3, 10, 3
# Groups of the query that are judged as a whole: chosen on Kang's control cells from donor to donor.
GROUP_NEIGHBOURS, GROUP_RESOLUTION, MAJORITY = 30, 2.0, 0.5


@dataclass(frozen=True)
class Side:
    """Reference or query: raw counts (or log-normalised values) over the shared genes, and the batch of each cell."""

    matrix: sparse.csr_matrix
    batches: pd.Series

    def blocks(self) -> Iterator[tuple[slice, sparse.csr_matrix]]:
        """All cells in one block."""
        yield slice(0, self.matrix.shape[0]), self.matrix

    def variable(self, number: int) -> NDArray[np.bool_]:
        """The `number` genes that vary most, (genes,)."""
        moments = GeneMoments([self.blocks], batch_codes(self.batches), self.matrix.shape[1])
        return variable_genes([self.blocks], self.batches, moments, number)


@dataclass(frozen=True)
class Space:
    """Cells x components of both sides: to vote in, and before any correction of batches (`plain_`).

    Attributes
    ----------
    method
        How batches were taken out of the first two; none: all is the same.
    """

    reference: Matrix
    query: Matrix
    plain_reference: Matrix
    plain_query: Matrix
    method: str = "none"


def shared_space(reference: Side, query: Side, genes: int, counted: bool, seed: int) -> Space:
    """Components of reference and query, before and after batches were taken out.

    Genes that vary within either side count: one that only an unseen type shows does not vary in the reference.
    Harmony can pull an unseen type onto its neighbours, so it is used only where the rule of the workflow wants it.

    Parameters
    ----------
    genes
        Variable genes of each side.
    counted
        Whether values are counts.
    """
    chosen = np.flatnonzero(reference.variable(genes) | query.variable(genes))
    both = sparse.vstack([reference.matrix, query.matrix]).tocsr()
    narrow = (log_normalised(both) if counted else sparse.csr_matrix(both, dtype=np.float64))[:, chosen]
    positions, _, variances = principal_components(narrow, COMPONENT_BOUNDS[1])
    number = informative_components(variances, chance_variance(narrow, generator(seed, "transfer")), COMPONENT_BOUNDS)
    positions = positions[:, :number]
    batches = pd.concat(["reference " + reference.batches, "query " + query.batches], ignore_index=True)
    offered = {"none": positions, "harmony": harmony(positions, batches, seed)}
    method, _ = choose_integration(offered, batches, 2 * NEIGHBOURS, seed)
    cells = reference.matrix.shape[0]
    return Space(offered[method][:cells], offered[method][cells:], positions[:cells], positions[cells:], method)


def votes(neighbours: NDArray[np.int64], labels: NDArray[np.object_]) -> tuple[NDArray[np.object_], Matrix]:
    """Commonest label among each cell's reference neighbours (the first by name of equals) and its share."""
    names = np.unique(labels.astype(str))
    shares = np.stack([(labels[neighbours] == name).mean(axis=1) for name in names], axis=1)
    return names[shares.argmax(axis=1)].astype(object), shares.max(axis=1)


def balanced(
    labels: NDArray[np.object_], voted: NDArray[np.object_], random: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """As many cells of each label in reference and query: a random part of whichever holds more of it (masks)."""
    kept = np.zeros(len(labels), dtype=bool), np.zeros(len(voted), dtype=bool)
    for name in np.unique(labels.astype(str)):
        members = [np.flatnonzero(side == name) for side in (labels, voted)]
        number = min(map(len, members))
        for mask, places in zip(kept, members, strict=True):
            mask[random.choice(places, number, replace=False)] = True
    return kept


def mean_distance(positions: Matrix, kept: NDArray[np.bool_], cells: Matrix, inside: bool) -> Matrix:
    """Mean distance of `cells` to their nearest `kept` positions, without themselves where they are `inside`."""
    part = positions[kept]
    number = min(NEIGHBOURS + 1, len(part))
    distances, _ = NearestNeighbors(n_neighbors=number).fit(part).kneighbors(cells)
    own = kept if inside else np.zeros(len(cells), dtype=bool)
    first, last = distances[:, : max(number - 1, 1)], distances[:, min(1, number - 1) :]
    found: Matrix = np.maximum(np.where(own, last.mean(axis=1), first.mean(axis=1)), 1e-12)
    return found


def nearest_vote(reference: Matrix, labels: NDArray[np.object_], query: Matrix) -> tuple[NDArray[np.object_], Matrix]:
    """Label and share of the vote of each query cell's nearest reference cells."""
    tree = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(reference))).fit(reference)
    return votes(tree.kneighbors(query, return_distance=False), labels)


def strangeness(
    reference: Matrix, labels: NDArray[np.object_], query: Matrix, random: np.random.Generator
) -> Matrix:  # fmt: skip
    """How much farther off reference cells are than cells of the query's own.

    Log ratio of mean distances, averaged over the cell's neighbourhood in the query. Both sides are cut to as many
    cells of each label before, since more cells are closer to each other: so it is about 0 where both hold the type,
    whichever holds more of it.
    """
    kept, own_kept = balanced(labels, nearest_vote(reference, labels, query)[0], random)
    far, near = mean_distance(reference, kept, query, False), mean_distance(query, own_kept, query, True)
    own = NearestNeighbors(n_neighbors=min(NEIGHBOURS + 1, len(query))).fit(query).kneighbors(query)[1]
    result: Matrix = np.log(far / near)[own].mean(axis=1)
    return result


def without_shift(
    reference: Matrix, labels: NDArray[np.object_], query: Matrix, voted: NDArray[np.object_], batches: pd.Series
) -> Matrix:
    """The query with one shift per batch taken off, which brings no single type onto another.

    The shift is the median over the voted types of the median way from a cell to its nearest reference cells of that
    type: a type that the reference lacks is outvoted by the others. Fewer than `LEAST_TYPES` types: no shift.
    """
    moved, codes = query.copy(), batches.astype(str).to_numpy()
    members = {name: reference[labels == name] for name in np.unique(labels.astype(str))}
    trees = {name: NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(part))).fit(part) for name, part in members.items()}
    for batch in np.unique(codes):
        inside = codes == batch
        own = [name for name in members if (inside & (voted == name)).sum() >= LEAST_CELLS]
        for _ in range(ROUNDS if len(own) >= LEAST_TYPES else 0):
            ways = []
            for name in own:
                cells = moved[inside & (voted == name)]
                around = members[name][trees[name].kneighbors(cells, return_distance=False)].mean(axis=1)
                ways.append(np.median(cells - around, axis=0))
            moved[inside] -= np.median(ways, axis=0)
    return moved


def levelled(strange: Matrix, voted: NDArray[np.object_], usual: Matrix) -> Matrix:
    """Strangeness less what the middle type shows more of than the reference's own cells: noise of another donor."""
    sizes = {name: int((voted == name).sum()) for name in np.unique(voted.astype(str))}
    medians = [np.median(strange[voted == name]) for name, size in sizes.items() if size >= LEAST_CELLS]
    if len(medians) < LEAST_TYPES:
        return strange
    result: Matrix = strange - max(0.0, float(np.median(medians) - np.median(usual)))
    return result


def small_groups(positions: Matrix, seed: int) -> NDArray[np.int64]:
    """Groups of cells that are smaller than most types: Leiden at a high resolution, (cells,)."""
    number = min(GROUP_NEIGHBOURS, len(positions) - 1)
    if number < 1:
        return np.zeros(len(positions), dtype=np.int64)
    return leiden(shared_neighbour_graph(nearest(positions, number)[0]), GROUP_RESOLUTION, seed)


def transfer(space: Space, labels: NDArray[np.object_], batches: pd.Series, seed: int) -> pd.DataFrame:
    """Label, calibrated confidence and p-value of novelty of each query cell.

    Halves of the reference, each taken for the query of the other, calibrate both: isotonic regression of "the vote
    is right" on the vote's share, and the rank of a cell's strangeness among that of held-out reference cells
    (a conformal p-value: of cells like the reference's at most a share alpha has p <= alpha). Strangeness is that in
    the components before correction, where each batch of the query may be shifted as a whole only.
    Cells of another donor differ from the reference's by more than those differ among each other, so more than alpha
    of them have p <= alpha; hence `called` judges groups, in which such cells are a minority and those of a new type
    are not.

    Parameters
    ----------
    labels
        Of the reference's cells.
    batches
        Of the query's cells.

    Returns
    -------
    pandas.DataFrame
        Columns label, confidence, novelty_p, group (of the query's cells alone); one row per query cell.

    References
    ----------
    Zadrozny & Elkan, KDD 694 (2002); Bates et al., Ann Stat 51:149 (2023), doi:10.1214/22-AOS2244.
    """
    random = generator(seed, "halves")
    order = random.permutation(len(labels))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    shares, right, usual = [], [], []
    reference, plain = space.reference, space.plain_reference
    for held_out, kept in (halves, halves[::-1]):
        voted, share = nearest_vote(reference[kept], labels[kept], reference[held_out])
        shares.append(share)
        right.append(voted == labels[held_out])
        usual.append(strangeness(plain[kept], labels[kept], plain[held_out], random))
    calibration = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    calibration.fit(np.concatenate(shares), np.concatenate(right).astype(float))
    voted, share = nearest_vote(reference, labels, space.query)
    ranked = np.sort(np.concatenate(usual))
    # Before correction another vote may win; it is as the cells lie there that they are balanced and compared.
    moved = without_shift(plain, labels, space.plain_query, voted, batches)
    strange = levelled(strangeness(plain, labels, moved, random), nearest_vote(plain, labels, moved)[0], ranked)
    above = len(ranked) - np.searchsorted(ranked, strange, side="left")
    return pd.DataFrame(
        {
            "label": voted,
            "confidence": calibration.predict(share).round(6),
            "novelty_p": (1 + above) / (len(ranked) + 1),
            "group": small_groups(space.plain_query, seed),
        }
    )


def strange_share(found: pd.DataFrame, novelty_level: float) -> pd.Series:
    """Share of the cell's group that is farther from the reference than it should be (p at most `novelty_level`)."""
    return (found["novelty_p"] <= novelty_level).groupby(found["group"]).transform("mean")


def called(found: pd.DataFrame, minimum_confidence: float, novelty_level: float) -> pd.Series:
    """The label, or "unknown" where most of the cell's group is novel or the vote is not sure enough."""
    sure = (found["confidence"] >= minimum_confidence) & (strange_share(found, novelty_level) <= MAJORITY)
    return found["label"].where(sure, UNKNOWN)


def by_cluster(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per cluster: what most of its cells are called, and how the cells are spread.

    Parameters
    ----------
    cells
        Columns cluster, cell_type, transferred.

    Returns
    -------
    pandas.DataFrame
        Columns cluster, cells, cell_type, transferred, share, unknown_share.
    """
    rows = []
    for name in sorted(cells["cluster"].unique(), key=int):
        part = cells[cells["cluster"] == name]
        counted = part["transferred"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        rows.append(
            {
                "cluster": name,
                "cells": len(part),
                "cell_type": part["cell_type"].iloc[0],
                "transferred": counted.index[0],
                "share": counted.iloc[0] / len(part),
                "unknown_share": float((part["transferred"] == UNKNOWN).mean()),
            }
        )
    return pd.DataFrame(rows)
