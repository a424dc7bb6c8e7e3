"""Unsupervised disease subtypes from several modalities of the same patients, some of them missing.

All functions take a patients x features matrix with NaN where nothing was measured; nothing is imputed.
Patients are compared on the features that both have, every modality with the same total weight. A
subtype must show in more than one modality: the test permutes patients between modalities, which keeps
everything inside a modality (correlation, outliers, batches) and destroys only what modalities share.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Median absolute deviation times this estimates the standard deviation of a normal variable.
MAD_TO_SD = 1.4826
CLIP_AT_SD = 3.0


def scale_features(values: Floats, strata: Sequence[str]) -> Floats:
    """Centre by stratum, clip outliers, divide by the standard deviation.

    Parameters
    ----------
    values
        patients x features, NaN where missing.
    strata
        One label per patient, e.g. the treatment arm: the mean of each stratum is taken out, so that
        a known group is not found again as a subtype.

    Returns
    -------
    numpy.ndarray
        Same shape; constant features become 0. Clipping is at the median +- 3 standard deviations as
        estimated from the median absolute deviation.
    """
    scaled = np.array(values, dtype=float)
    labels = np.asarray(strata)
    for column in scaled.T:
        seen = ~np.isnan(column)
        for label in np.unique(labels[seen]):
            members = seen & (labels == label)
            column[members] -= column[members].mean()
        if not seen.any():
            continue
        middle = np.median(column[seen])
        reach = CLIP_AT_SD * MAD_TO_SD * np.median(np.abs(column[seen] - middle))
        if reach > 0:
            column[seen] = np.clip(column[seen], middle - reach, middle + reach)
        column[seen] -= column[seen].mean()
        spread = column[seen].std(ddof=1) if seen.sum() > 1 else 0.0
        column[seen] = column[seen] / spread if spread > 1e-12 else 0.0
    return scaled


def balanced_weights(modalities: Sequence[str]) -> Floats:
    """Weights that sum to 1, with the same total for every modality however many features it has."""
    counts = {modality: list(modalities).count(modality) for modality in modalities}
    return np.array([1 / (counts[modality] * len(counts)) for modality in modalities])


def shared_distances(values: Floats, weights: Floats) -> Floats:
    """Squared distances over the features that two patients share, divided by the shared weight.

    Pairs without a common feature get the mean distance of all other pairs, that is, no opinion.
    """
    seen = ~np.isnan(values)
    filled = np.where(seen, values, 0.0)
    shared = (seen * weights) @ seen.T
    own = (seen * weights * filled**2) @ seen.T
    squared = np.maximum(own + own.T - 2 * (filled * weights) @ filled.T, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        distances = np.where(shared > 0, squared / shared, np.nan)
    np.fill_diagonal(distances, 0.0)
    if np.isnan(distances).any():
        distances = np.where(np.isnan(distances), np.nanmean(distances[~np.eye(len(distances), dtype=bool)]), distances)
    return (distances + distances.T) / 2


def principal_coordinates(distances: Floats, dimensions: int) -> tuple[Floats, Floats]:
    """Classical multidimensional scaling (Torgerson 1952) of squared distances.

    Returns
    -------
    tuple
        Coordinates, patients x dimensions, the largest value of each column positive; and the share of
        the total variance on each axis.
    """
    count = len(distances)
    centring = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-centring @ distances @ centring / 2)
    values, vectors = values[::-1][:dimensions], vectors[:, ::-1][:, :dimensions]
    total = distances.sum() / (2 * count)
    vectors = vectors * np.where(vectors[np.abs(vectors).argmax(axis=0), range(vectors.shape[1])] < 0, -1, 1)
    return vectors * np.sqrt(np.maximum(values, 0)), np.maximum(values, 0) / (total if total > 0 else 1.0)


def permuted_within(strata: npt.NDArray[np.str_], rng: np.random.Generator) -> Integers:
    """Order of patients after shuffling them inside each stratum."""
    order = np.arange(len(strata))
    for label in np.unique(strata):
        members = np.flatnonzero(strata == label)
        order[members] = rng.permutation(members)
    return order


def deflated(values: Floats, axis: Floats) -> Floats:
    """What is left of every feature after its regression on one axis, over the patients who have it."""
    rest = np.array(values, dtype=float)
    for column in rest.T:
        seen = ~np.isnan(column)
        centred = axis[seen] - axis[seen].mean() if seen.any() else axis[seen]
        spread = centred @ centred
        if spread > 1e-12:
            column[seen] -= centred * (centred @ column[seen]) / spread
    return rest


def component_test(
    values: Floats,
    modalities: Sequence[str],
    strata: Sequence[str],
    *,
    components: int,
    permutations: int,
    alpha: float,
    further_alpha: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """Whether modalities agree on the leading axes of the cohort more than by chance.

    The share of variance on the first axis is compared with its distribution when the patients of every
    modality are shuffled independently inside strata (parallel analysis across blocks). Where it is larger,
    the axis is taken out and what is left is tested in the same way.

    Parameters
    ----------
    alpha, further_alpha
        Level for the first axis and for all others: with few patients each further split must be clear.

    Returns
    -------
    tuple
        Share of the variance left, 95th percentile of the shares under permutation, and p-value
        (1 + number at least as large) / (1 + permutations), one per tested axis, the last of which is
        the first without evidence unless all `components` had it.
    """
    weights = balanced_weights(modalities)
    labels, columns = np.asarray(strata, dtype=str), np.asarray(modalities)
    tested: list[tuple[float, float, float]] = []
    found: list[Floats] = []
    left = values
    while len(tested) < components and cluster_count([row[2] for row in tested], alpha, further_alpha) > len(tested):
        axes, shares = principal_coordinates(shared_distances(left, weights), 1)
        null = np.empty(permutations)
        for index in range(permutations):
            shuffled = np.empty_like(left)
            for modality in dict.fromkeys(modalities):
                block = np.ix_(permuted_within(labels, rng), columns == modality)
                shuffled[:, columns == modality] = left[block]
            # What is left lies at right angles to the axes found; so must its shuffled counterpart.
            for axis in found:
                shuffled = deflated(shuffled, axis)
            null[index] = principal_coordinates(shared_distances(shuffled, weights), 1)[1][0]
        as_large = int((null >= shares[0] - 1e-12).sum())
        tested.append((float(shares[0]), float(np.quantile(null, 0.95)), (1 + as_large) / (1 + permutations)))
        found.append(axes[:, 0])
        left = deflated(left, axes[:, 0])
    observed, limits, p_values = np.array(tested).T
    return observed, limits, p_values


def cluster_count(p_values: Sequence[float], alpha: float, further_alpha: float) -> int:
    """One more than the number of leading axes that are real: k groups span k - 1 dimensions."""
    real = 0
    while real < len(p_values) and p_values[real] <= (further_alpha if real else alpha):
        real += 1
    return 1 + real


def consensus(
    values: Floats, modalities: Sequence[str], clusters: int, *, resamples: int, share: float, rng: np.random.Generator
) -> Floats:
    """How often two patients fall into one cluster when patients and features are resampled.

    Consensus clustering (Monti et al. 2003): each round takes a share of the patients and reweights the
    features at random (Bayesian bootstrap), then k-means on the k - 1 leading coordinates, which hold
    the k-means solution (Ding & He 2004).

    Returns
    -------
    numpy.ndarray
        patients x patients, 0 to 1.
    """
    count = len(values)
    taken = max(clusters + 1, round(share * count))
    weights = balanced_weights(modalities)
    together, both = np.zeros((count, count)), np.zeros((count, count))
    for _ in range(resamples):
        chosen = np.sort(rng.choice(count, taken, replace=False))
        drawn = weights * rng.exponential(size=len(weights))
        coordinates, _shares = principal_coordinates(shared_distances(values[chosen], drawn), clusters - 1)
        labels = KMeans(clusters, n_init=4, random_state=0).fit_predict(coordinates)
        pairs = np.ix_(chosen, chosen)
        both[pairs] += 1
        together[pairs] += labels[:, None] == labels
    return together / np.maximum(both, 1)


def ordered_labels(raw: Sequence[int]) -> Integers:
    """Renumber clusters 1, 2, ... by size, then by first patient, so that names do not depend on chance."""
    seen = list(dict.fromkeys(raw))
    ranked = sorted(seen, key=lambda label: (-list(raw).count(label), seen.index(label)))
    return np.array([ranked.index(label) + 1 for label in raw])


def consensus_labels(agreement: Floats, clusters: int) -> tuple[Integers, Floats]:
    """Cut the consensus matrix into clusters (average linkage).

    Returns
    -------
    tuple
        Labels from 1, and per patient the mean agreement with the rest of the own cluster (0 to 1;
        0 for a patient alone in a cluster).
    """
    distances = 1 - agreement
    np.fill_diagonal(distances, 0.0)
    raw = fcluster(linkage(squareform((distances + distances.T) / 2, checks=False), "average"), clusters, "maxclust")
    labels = ordered_labels(raw.tolist())
    same = labels[:, None] == labels
    np.fill_diagonal(same, val=False)
    return labels, (agreement * same).sum(axis=1) / np.maximum(same.sum(axis=1), 1)


def aligned(labels: Integers, reference: Integers) -> Integers:
    """Rename `labels` to overlap with `reference` as much as possible (Hungarian method)."""
    names, targets = np.unique(labels), np.unique(np.concatenate([labels, reference]))
    overlap = np.array([[((labels == name) & (reference == target)).sum() for target in targets] for name in names])
    rows, columns = linear_sum_assignment(-overlap)
    renamed = {int(names[row]): int(targets[column]) for row, column in zip(rows, columns, strict=True)}
    return np.array([renamed[int(label)] for label in labels])


def separation(values: Floats, labels: Integers) -> Floats:
    """Share of each feature's variance that lies between clusters (eta squared); NaN for constant features."""
    shares = np.full(values.shape[1], np.nan)
    for index, column in enumerate(values.T):
        seen = ~np.isnan(column)
        total = ((column[seen] - column[seen].mean()) ** 2).sum() if seen.any() else 0.0
        if total > 0:
            groups = [column[seen & (labels == label)] for label in np.unique(labels)]
            mean = column[seen].mean()
            shares[index] = sum(len(group) * (group.mean() - mean) ** 2 for group in groups if len(group)) / total
    return shares
