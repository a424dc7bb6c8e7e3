"""Label transfer in invented components: the size of the sides says nothing, a type of its own is unknown."""

import numpy as np
import pandas as pd
import pytest

from kimedlib.singlecell_threads import one_thread
from kimedlib.singlecell_transfer import UNKNOWN, Space, called, transfer


@pytest.fixture(autouse=True)
def few_threads():
    """As in the workflow."""
    with one_thread():
        yield


def carried(reference, labels, cells, plain=None):
    """Labels carried over between sides of one batch each; `plain`: places of the cells before any correction."""
    space = Space(reference, cells, reference, cells if plain is None else plain)
    return transfer(space, labels, pd.Series(["query"] * len(cells)), 1)


def clouds(random, sizes: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cells of types A, B, C around three corners of eight dimensions, six standard deviations apart."""
    parts, names = [], []
    for place, name in enumerate("ABC"):
        centre = np.zeros(8)
        centre[place] = 6
        number = sizes.get(name, 0)
        parts.append(random.normal(centre, 1, (number, 8)))
        names += [name] * number
    return np.vstack(parts), np.array(names, dtype=object)


@pytest.mark.parametrize(
    "query", [{"A": 150, "B": 150}, {"A": 1200, "B": 100}, {"A": 60, "B": 300}], ids=["equal", "larger", "other shares"]
)
def test_known_types_stay_known_whatever_the_sizes(query):
    random = np.random.default_rng(3)
    reference, labels = clouds(random, {"A": 150, "B": 150})
    cells, truth = clouds(random, query)
    found = carried(reference, labels, cells)
    given = called(found, 0.5, 0.05)
    assert (found["label"] == truth).mean() > 0.99
    assert (given == UNKNOWN).mean() < 0.2


def test_a_type_of_its_own_is_unknown():
    random = np.random.default_rng(4)
    reference, labels = clouds(random, {"A": 150, "B": 150})
    cells, truth = clouds(random, {"A": 150, "B": 150, "C": 80})
    given = called(carried(reference, labels, cells), 0.5, 0.05).to_numpy()
    assert (given == UNKNOWN)[truth == "C"].mean() > 0.95
    assert (given == UNKNOWN)[truth != "C"].mean() < 0.2


def test_a_type_that_correction_pulled_onto_its_relative_is_unknown():
    """D is nearest to C, and what takes the batch effect out (as Harmony does, type by type) puts it onto C."""
    random = np.random.default_rng(5)
    sizes = {"A": 150, "B": 150, "C": 150}
    reference, labels = clouds(random, sizes)
    cells, truth = clouds(random, sizes)
    corrected, relative = np.vstack([cells, cells[truth == "C"][:60]]), cells[truth == "C"][:60].copy()
    corrected[-60:] += random.normal(0, 1, (60, 8)) - (relative - relative.mean(axis=0))
    relative[:, 7] += 5
    truth = np.append(truth, np.full(60, "D", dtype=object))
    plain = np.vstack([cells, relative]) + np.linspace(-4, 4, 8)
    judged_corrected = called(carried(reference, labels, corrected), 0.5, 0.05).to_numpy()
    assert (judged_corrected == UNKNOWN)[truth == "D"].mean() < 0.3
    given = called(carried(reference, labels, corrected, plain), 0.5, 0.05).to_numpy()
    assert (given == UNKNOWN)[truth == "D"].mean() > 0.95
    assert (given == UNKNOWN)[truth != "D"].mean() < 0.2


def test_known_cells_of_another_donor_stay_known_and_its_new_type_does_not():
    """Each type of the donor lies elsewhere, which no common shift takes off; medians of three donors."""
    lost = {"cells": [], "groups": []}
    for seed in (1, 2, 3):
        random = np.random.default_rng(seed)
        sizes = {"A": 200, "B": 200, "C": 200}
        reference, labels = clouds(random, sizes)
        cells, truth = clouds(random, sizes)
        for name in sizes:
            cells[truth == name] += random.normal(0, 0.7, 8)
        new = random.normal(0, 1, (80, 8)) + np.eye(8)[7] * 6
        found = carried(reference, labels, np.vstack([cells, new]))
        unknown = (called(found, 0.5, 0.05) == UNKNOWN).to_numpy()
        lost["cells"].append((found["novelty_p"] <= 0.05)[:600].mean())
        lost["groups"].append(unknown[:600].mean())
        assert unknown[600:].mean() > 0.95
    assert np.median(lost["cells"]) > 0.15 and np.median(lost["groups"]) < 0.05


def test_few_cells_are_one_group_or_none():
    random = np.random.default_rng(7)
    reference, labels = clouds(random, {"A": 150, "B": 150})
    cells, _ = clouds(random, {"A": 1, "B": 2})
    assert len(called(carried(reference, labels, cells), 0.5, 0.05)) == 3
    assert len(called(carried(reference, labels, cells[:1]), 0.5, 0.05)) == 1
