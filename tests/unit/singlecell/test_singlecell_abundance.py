"""Differential abundance: a planted shift within one type is found where it is, and nothing where nothing is."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kimedlib.singlecell_abundance import abundance, counted, neighbour_number, neighbourhoods, spatial_fdr
from kimedlib.singlecell_design import Design

DONORS, CELLS = 4, 300
CONDITIONS = ("a", "b")


def simulated(seed: int, shift: float):
    """Four donors a side; cells along a course from 0 to 1, of which the treated have `shift` more above 0.7."""
    random = np.random.default_rng(seed)
    positions, units, rows = [], [], {}
    for number in range(2 * DONORS):
        treated = number % 2 == 1
        place = random.uniform(0, 1, CELLS)
        if treated:
            moved = (place < 0.7) & (random.random(CELLS) < shift)
            place[moved] = random.uniform(0.7, 1, moved.sum())
        positions.append(np.column_stack([10 * place, random.normal(0, 0.3, (CELLS, 4))]))
        units += [f"u{number}"] * CELLS
        rows[f"u{number}"] = {"patient_id": f"p{number}", "condition": "ab"[treated], "batch": "x"}
    samples = pd.DataFrame.from_dict(rows, orient="index")
    return np.vstack(positions), pd.Series(units), samples


def judged(seed: int, shift: float):
    positions, units, samples = simulated(seed, shift)
    members, distances = neighbourhoods(positions, 100, 0.05, np.random.default_rng(0))
    counts = counted(members, units, samples.index)
    found = abundance(counts, units.value_counts(), samples, Design(()), CONDITIONS)
    found["spatial_fdr"] = spatial_fdr(found["p_value"].to_numpy(), distances)
    return found.assign(place=positions[members[:, 0], 0] / 10)


def test_a_planted_shift_is_found_where_it_is():
    found = judged(1, 0.5)
    inside, far = found["place"] > 0.74, found["place"] < 0.66
    sure = found["spatial_fdr"] < 0.1
    assert sure[inside].mean() > 0.9 and (found.loc[inside & sure, "log2_fold_change"] > 0).all()
    # Half of the others moved away: log2 of a half, less what the donors' totals stay the same.
    assert found.loc[far, "log2_fold_change"].median() == pytest.approx(-1, abs=0.25)
    assert found.loc[inside, "log2_fold_change"].median() == pytest.approx(np.log2(0.65 / 0.3), abs=0.25)


def test_without_a_shift_nothing_is_found():
    false = [(judged(seed, 0.0)["spatial_fdr"] < 0.1).mean() for seed in range(10, 16)]
    assert np.mean(np.array(false) > 0) <= 1 / 3 and np.mean(false) <= 0.05


def test_p_values_keep_their_promise_without_a_shift():
    p_values = np.concatenate([judged(seed, 0.0)["p_value"] for seed in range(20, 26)])
    assert np.mean(p_values < 0.05) < 0.1


def test_spatial_fdr_with_equal_weights_is_benjamini_hochberg():
    p_values = np.random.default_rng(0).random(50) ** 2
    expected = stats.false_discovery_control(p_values, method="bh")
    assert spatial_fdr(p_values, np.ones(50)) == pytest.approx(expected)
    assert np.isnan(spatial_fdr(np.array([0.1, np.nan]), np.ones(2))[1])


def test_neighbourhoods_hold_their_nearest_cells():
    positions, _, _ = simulated(3, 0.0)
    members, distances = neighbourhoods(positions, 30, 0.05, np.random.default_rng(0))
    apart = np.linalg.norm(positions - positions[members[0, 0]], axis=1)
    assert set(members[0]) == set(np.argsort(apart, kind="stable")[:30])
    assert distances[0] == pytest.approx(np.sort(apart)[29]) and len(members) <= round(0.05 * len(positions))
    numbers = [neighbour_number(*case) for case in ((8, "auto", 1000), (2, "auto", 1000), (8, 99, 50))]
    assert numbers == [40, 30, 50]


def test_cells_of_other_conditions_are_not_counted():
    table = counted(np.array([[0, 1, 2], [1, 2, 3]]), pd.Series(["u", "v", "other", "v"]), pd.Index(["u", "v"]))
    assert table.to_numpy().tolist() == [[1, 0], [1, 2]]
