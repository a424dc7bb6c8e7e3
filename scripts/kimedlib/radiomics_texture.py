"""Texture matrices and their features, as IBSI defines them (arXiv:1612.07003v11, 3.6 to 3.11).

Every function takes grey levels of shape (x, y, z), whole numbers from 1 within the region and 0 elsewhere, slices
along the last axis. `2d` is the mean of the features of slices, `2.5d` are features of matrices merged over slices.
Names of features are those of the tables of reference values.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected

from kimedlib.radiomics_counts import DEPENDENCES, DISTANCES, RUNS, ZONES, Levels, Numbers, Things, named

Step = tuple[int, int, int]
# One of each pair of opposite directions; those with the last component 0 lie within slices.
DIRECTIONS: list[Step] = [step for step in itertools.product((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)) if step > (0, 0, 0)]
IN_PLANE = [step for step in DIRECTIONS if step[2] == 0]


def shifted(levels: Levels, step: Step) -> Levels:
    """Neighbours in one direction; the border of zeros keeps the other side of the array away."""
    return np.roll(levels, tuple(-move for move in step), axis=(0, 1, 2))


def ratio(above: Numbers, below: Numbers, otherwise: float) -> Numbers:
    """A quotient with a value for divisions by zero."""
    safe = np.where(below == 0, 1.0, below)
    return np.where(below == 0, otherwise, above / safe)


def entropy(chances: Numbers, axes: tuple[int, ...]) -> Numbers:
    """In bits."""
    return np.asarray(-(chances * np.log2(np.where(chances > 0, chances, 1.0))).sum(axis=axes))


# --- grey level co-occurrence


def cooccurrence_features(counts: Numbers) -> dict[str, Numbers]:
    """Features (3.6) of symmetric matrices, shape (matrices, levels, levels), none of them empty."""
    p = counts / counts.sum(axis=(1, 2), keepdims=True)
    number = p.shape[1]
    level = np.arange(1, number + 1, dtype=np.float64)
    i, j = level[:, None], level[None, :]
    gap = np.abs(i - j)
    marginal = p.sum(axis=2)
    mean = marginal @ level
    centred = level[None, :] - mean[:, None]
    variance = (marginal * centred**2).sum(axis=1)
    kind = (np.arange(number)[:, None] + np.arange(number)[None, :]).ravel()
    apart = np.abs(np.arange(number)[:, None] - np.arange(number)[None, :]).ravel()
    flat = p.reshape(len(p), -1)
    sums: Numbers = np.stack([np.bincount(kind, row, 2 * number - 1) for row in flat])
    gaps: Numbers = np.stack([np.bincount(apart, row, number) for row in flat])
    total, away = np.arange(2, 2 * number + 1, dtype=np.float64), np.arange(number, dtype=np.float64)

    def mixed(table: Numbers) -> Numbers:
        return np.asarray((p * table).sum(axis=(1, 2)))

    sum_mean, gap_mean = sums @ total, gaps @ away
    tilt = total[None, :] - 2 * mean[:, None]
    joint, single = entropy(p, (1, 2)), entropy(marginal, (1,))
    both = marginal[:, :, None] * marginal[:, None, :]
    logarithm = np.log2(np.where(both > 0, both, 1.0))
    first, second = -(p * logarithm).sum(axis=(1, 2)), -(both * logarithm).sum(axis=(1, 2))
    inverse_square = np.where(gap > 0, 1 / np.where(gap > 0, gap, 1.0) ** 2, 0.0)
    autocorrelation = mixed(i * j)
    return {
        "joint_max": p.max(axis=(1, 2)),
        "joint_avg": mean,
        "joint_var": variance,
        "joint_entr": joint,
        "diff_avg": gap_mean,
        "diff_var": (gaps * (away[None, :] - gap_mean[:, None]) ** 2).sum(axis=1),
        "diff_entr": entropy(gaps, (1,)),
        "sum_avg": sum_mean,
        "sum_var": (sums * (total[None, :] - sum_mean[:, None]) ** 2).sum(axis=1),
        "sum_entr": entropy(sums, (1,)),
        "energy": (p**2).sum(axis=(1, 2)),
        "contrast": mixed(gap**2),
        "dissimilarity": mixed(gap),
        "inv_diff": mixed(1 / (1 + gap)),
        "inv_diff_norm": mixed(1 / (1 + gap / number)),
        "inv_diff_mom": mixed(1 / (1 + gap**2)),
        "inv_diff_mom_norm": mixed(1 / (1 + (gap / number) ** 2)),
        "inv_var": mixed(inverse_square),
        "corr": ratio(autocorrelation - mean**2, variance, 1.0),
        "auto_corr": autocorrelation,
        "clust_tend": (sums * tilt**2).sum(axis=1),
        "clust_shade": (sums * tilt**3).sum(axis=1),
        "clust_prom": (sums * tilt**4).sum(axis=1),
        "info_corr1": ratio(joint - first, single, 0.0),
        "info_corr2": np.sqrt(np.maximum(1 - np.exp(-2 * (second - joint)), 0)),
    }


def cooccurrences(levels: Levels, steps: list[Step], *, slices: bool) -> NDArray[np.float64]:
    """Symmetric matrices, shape (directions, slices or 1, levels, levels)."""
    number, deep = int(levels.max()), levels.shape[2] if slices else 1
    where = np.broadcast_to(np.arange(levels.shape[2]) if slices else 0, levels.shape)
    found = []
    for step in steps:
        other = shifted(levels, step)
        pairs = (levels > 0) & (other > 0)
        code = (where[pairs] * number + levels[pairs] - 1) * number + other[pairs] - 1
        one = np.bincount(code, minlength=deep * number * number).reshape(deep, number, number).astype(np.float64)
        found.append(one + one.transpose(0, 2, 1))
    return np.stack(found)


def averaged(matrices: NDArray[np.float64], prefix: str, suffix: str) -> dict[str, float]:
    """Means of the features of all matrices that are not empty; nothing if all are."""
    matrices = matrices.reshape(-1, *matrices.shape[-2:])
    matrices = matrices[matrices.sum(axis=(1, 2)) > 0]
    if not len(matrices):
        return {}
    return {f"{prefix}{name}{suffix}": float(found.mean()) for name, found in cooccurrence_features(matrices).items()}


def cooccurrence(levels: Levels, aggregation: tuple[str, ...]) -> dict[str, float]:
    """All aggregations of co-occurrence at distance 1."""
    found: dict[str, float] = {}
    if "2d" in aggregation or "2.5d" in aggregation:
        by_slice = cooccurrences(levels, IN_PLANE, slices=True)
        if "2d" in aggregation:
            found |= averaged(by_slice, "cm_", "_d1_2d_avg")
            found |= averaged(by_slice.sum(axis=0), "cm_", "_d1_2d_s_mrg")
        if "2.5d" in aggregation:
            found |= averaged(by_slice.sum(axis=1), "cm_", "_d1_2.5d_d_mrg")
            found |= averaged(by_slice.sum(axis=(0, 1)), "cm_", "_d1_2.5d_v_mrg")
    if "3d" in aggregation:
        matrices = cooccurrences(levels, DIRECTIONS, slices=False)
        found |= averaged(matrices, "cm_", "_d1_3d_avg")
        found |= averaged(matrices.sum(axis=0), "cm_", "_d1_3d_v_mrg")
    return found


# --- runs and zones


def runs_along(levels: Levels, step: tuple[int, int, int]) -> Iterator[tuple[Levels, Levels, int]]:
    """Ends of the runs in one direction: (flat index of the first voxel, level, length), by growing length."""
    flat = levels.ravel()
    stride = int(np.ravel_multi_index(np.array(step) + 1, levels.shape) - np.ravel_multi_index((1, 1, 1), levels.shape))
    places = np.flatnonzero(flat)
    start = places[flat[places - stride] != flat[places]]
    here, length = start, 1
    while len(start):
        following = here + stride
        goes_on = flat[following] == flat[start]
        ended = start[~goes_on]
        yield ended, flat[ended], length
        start, here, length = start[goes_on], following[goes_on], length + 1


def count_runs(levels: Levels, steps: list[Step], *, slices: bool) -> Things:
    """Runs by group = direction * slices + slice."""
    deep = levels.shape[2] if slices else 1
    groups, grey, sizes = [], [], []
    for number, step in enumerate(steps):
        for start, level, length in runs_along(levels, step):
            groups.append(number * deep + (start % levels.shape[2] if slices else np.zeros_like(start)))
            grey.append(level)
            sizes.append(np.full(len(start), length))
    inside = levels > 0
    voxels = np.count_nonzero(inside, axis=(0, 1)) if slices else np.array([np.count_nonzero(inside)])
    return Things(np.concatenate(groups), np.concatenate(grey), np.concatenate(sizes), np.tile(voxels, len(steps)))


def run_length(levels: Levels, aggregation: tuple[str, ...]) -> dict[str, float]:
    """Run length matrices (3.7)."""
    found: dict[str, float] = {}
    if "2d" in aggregation or "2.5d" in aggregation:
        runs, deep = count_runs(levels, IN_PLANE, slices=True), levels.shape[2]
        group = np.arange(len(IN_PLANE) * deep)
        if "2d" in aggregation:
            found |= runs.features(named("rlm", RUNS, "_2d_avg"))
            found |= runs.merged(group % deep).features(named("rlm", RUNS, "_2d_s_mrg"))
        if "2.5d" in aggregation:
            found |= runs.merged(group // deep).features(named("rlm", RUNS, "_2.5d_d_mrg"))
            found |= runs.merged(np.zeros_like(group)).features(named("rlm", RUNS, "_2.5d_v_mrg"))
    if "3d" in aggregation:
        runs = count_runs(levels, DIRECTIONS, slices=False)
        found |= runs.features(named("rlm", RUNS, "_3d_avg"))
        found |= runs.merged(np.zeros(len(DIRECTIONS), np.int64)).features(named("rlm", RUNS, "_3d_v_mrg"))
    return found


def zones(levels: Levels, distance: Levels) -> tuple[Levels, Levels, Levels]:
    """Level, size and smallest distance to the border of each connected zone of one grey level."""
    zone = connected(levels, connectivity=levels.ndim, background=0)
    inside = zone > 0
    number = zone[inside] - 1
    size = np.bincount(number)
    level, nearest = np.zeros(len(size), np.int64), np.full(len(size), np.iinfo(np.int64).max)
    level[number] = levels[inside]
    np.minimum.at(nearest, number, distance[inside])
    return level, size, nearest


def border_distance(mask: NDArray[np.bool_]) -> Levels:
    """Steps over faces to the nearest voxel outside, from 1 at the border (3.9)."""
    return np.asarray(ndimage.distance_transform_cdt(np.pad(mask, 1), metric="taxicab")).astype(np.int64)[
        (slice(1, -1),) * mask.ndim
    ]


def zone_features(levels: Levels, shape: NDArray[np.bool_], aggregation: tuple[str, ...]) -> dict[str, float]:
    """Size zone (3.8) and distance zone (3.9) matrices; distances are those to the border of the morphological mask."""
    found: dict[str, float] = {}
    voxels = np.count_nonzero(levels > 0, axis=(0, 1))
    if "2d" in aggregation or "2.5d" in aggregation:
        used = np.flatnonzero(voxels)
        parts = [zones(levels[:, :, z], border_distance(shape[:, :, z])) for z in used]
        group = np.repeat(used, [len(part[0]) for part in parts])
        level, size, nearest = (np.concatenate([part[kind] for part in parts]) for kind in range(3))
        for family, names, of in (("szm", ZONES, size), ("dzm", DISTANCES, nearest)):
            things = Things(group, level, of, voxels)
            if "2d" in aggregation:
                found |= things.features(named(family, names, "_2d"))
            if "2.5d" in aggregation:
                found |= things.merged(np.zeros(len(voxels), np.int64)).features(named(family, names, "_2.5d"))
    if "3d" in aggregation:
        level, size, nearest = zones(levels, border_distance(shape))
        group, total = np.zeros(len(level), np.int64), np.array([voxels.sum()])
        found |= Things(group, level, size, total).features(named("szm", ZONES, "_3d"))
        found |= Things(group, level, nearest, total).features(named("dzm", DISTANCES, "_3d"))
    return found


# --- neighbourhoods


def neighbourhoods(levels: Levels, steps: list[Step]) -> tuple[Levels, Levels, Levels]:
    """Per voxel of the region: sum and number of its neighbours in it, and how many have its level."""
    total, number, alike = (np.zeros(levels.shape, np.int64) for _ in range(3))
    for step in steps:
        for way in (step, (-step[0], -step[1], -step[2])):
            other = shifted(levels, way)
            total += other
            number += other > 0
            alike += other == levels
    return total, number, alike


def tone_features(counts: Numbers, differences: Numbers) -> dict[str, Numbers]:
    """Neighbourhood grey tone difference features (3.10) of tables of shape (groups, levels), none of them empty."""
    voxels = counts.sum(axis=1)
    p = counts / voxels[:, None]
    level = np.arange(1, counts.shape[1] + 1, dtype=np.float64)
    occurs = (counts > 0).astype(np.float64)
    present = occurs.sum(axis=1)
    moved = p * level
    squared_gap = (level[:, None] - level[None, :]) ** 2
    spread = np.einsum("gi,gj,ij->g", p, p, squared_gap)
    strength = 2 * np.einsum("gi,gj,ij->g", p, occurs, squared_gap)
    weighted = p * differences
    busy, complexity = np.zeros(len(p)), np.zeros(len(p))
    for number in range(len(p)):  # by group: the pairs of levels that occur
        at = np.flatnonzero(counts[number])
        busy[number] = np.abs(moved[number, at][:, None] - moved[number, at][None, :]).sum()
        both = p[number, at][:, None] + p[number, at][None, :]
        work = weighted[number, at][:, None] + weighted[number, at][None, :]
        complexity[number] = (np.abs(level[at][:, None] - level[at][None, :]) * work / both).sum() / voxels[number]
    summed = weighted.sum(axis=1)
    return {
        "coarseness": ratio(np.ones(len(p)), summed, 1e6),
        "contrast": ratio(spread, present * (present - 1), 0.0) * differences.sum(axis=1) / voxels,
        "busyness": ratio(summed, busy, 0.0),
        "complexity": complexity,
        "strength": ratio(strength, differences.sum(axis=1), 0.0),
    }


def neighbour_features(levels: Levels, aggregation: tuple[str, ...]) -> dict[str, float]:
    """Neighbourhood grey tone difference (3.10) and grey level dependence (3.11: distance 1, coarseness 0)."""
    found: dict[str, float] = {}
    number, inside = int(levels.max()), levels > 0
    voxels = np.count_nonzero(inside, axis=(0, 1))
    where = np.broadcast_to(np.arange(levels.shape[2]), levels.shape)
    plans = ([(IN_PLANE, True)] if {"2d", "2.5d"} & set(aggregation) else []) + (
        [(DIRECTIONS, False)] if "3d" in aggregation else []
    )
    for steps, flat in plans:
        total, others, alike = neighbourhoods(levels, steps)
        some = inside & (others > 0)
        code = where[some] * number + levels[some] - 1
        gap = np.abs(levels[some] - total[some] / others[some])
        size = levels.shape[2] * number
        counts = np.bincount(code, minlength=size).reshape(-1, number).astype(np.float64)
        gaps = np.bincount(code, gap, minlength=size).reshape(-1, number)
        things = Things(where[inside], levels[inside], alike[inside] + 1, voxels)
        merged = things.merged(np.zeros(len(voxels), np.int64))
        used = counts.sum(axis=1) > 0
        wanted = [name for name in (("2d", "2.5d") if flat else ("3d",)) if name in aggregation]
        for name in wanted:
            chosen = (counts[used], gaps[used]) if name == "2d" else (counts.sum(0)[None], gaps.sum(0)[None])
            if used.any():
                tones = tone_features(*chosen)
                found |= {f"ngt_{text}_{name}": float(value.mean()) for text, value in tones.items()}
            found |= (things if name == "2d" else merged).features(named("ngl", DEPENDENCES, f"_d1_a0.0_{name}"))
    return found


def texture_features(levels: Levels, shape: NDArray[np.bool_], aggregation: tuple[str, ...]) -> dict[str, float]:
    """All texture features.

    Parameters
    ----------
    levels
        Grey levels, shape (x, y, z).
    shape
        Morphological mask of the same shape; holds all voxels with a level.
    aggregation
        Any of `2d`, `2.5d`, `3d`.
    """
    box = ndimage.find_objects(shape.astype(np.int8))[0]
    levels, shape = np.pad(levels[box], 1), np.pad(shape[box], 1)
    return {
        **cooccurrence(levels, aggregation),
        **run_length(levels, aggregation),
        **zone_features(levels, shape, aggregation),
        **neighbour_features(levels, aggregation),
    }
