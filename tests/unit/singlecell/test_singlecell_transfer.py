"""Label transfer in invented components: the size of the sides says nothing, a type of its own is unknown."""

import numpy as np
import pytest

from kimedlib.singlecell_transfer import UNKNOWN, called, transfer


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
    found = transfer(reference, labels, cells, 1)
    given = called(found, 0.5, 0.05)
    assert (found["label"] == truth).mean() > 0.99
    assert (given == UNKNOWN).mean() < 0.2


def test_a_type_of_its_own_is_unknown():
    random = np.random.default_rng(4)
    reference, labels = clouds(random, {"A": 150, "B": 150})
    cells, truth = clouds(random, {"A": 150, "B": 150, "C": 80})
    given = called(transfer(reference, labels, cells, 1), 0.5, 0.05).to_numpy()
    assert (given == UNKNOWN)[truth == "C"].mean() > 0.95
    assert (given == UNKNOWN)[truth != "C"].mean() < 0.2
