"""Unfiltered droplets with planted cells, empty droplets and ambient RNA, for tests."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Matrix = NDArray[np.float64]


def programmes(seed: int, genes: int, types: int, markers: int = 30) -> tuple[Matrix, Matrix]:
    """Share of each gene in each type (types, genes), every marker in one type only; share of the types, (types,)."""
    random = np.random.default_rng(seed)
    profiles = np.tile(random.lognormal(0, 1.8, genes), (types, 1))
    chosen = random.choice(genes, (types, markers), replace=False)
    for kind, own in enumerate(chosen):
        profiles[kind, own] *= 30
        profiles[np.arange(types) != kind, own[:, None]] = 0
    return profiles / profiles.sum(axis=1, keepdims=True), random.dirichlet(np.full(types, 5.0))


def contaminated(seed: int, share: float, cells: int = 500) -> tuple[sparse.csr_matrix, Matrix, Matrix, Matrix]:
    """Counts of cells of five types with this share of soup; their own counts, types, and the soup's profile."""
    profiles, abundance = programmes(seed, 1500, 5)
    random, soup = np.random.default_rng(seed + 1000), abundance @ profiles
    types = random.choice(5, cells, p=abundance)
    depth = random.lognormal(np.log(2500), 0.4, cells).astype(int)
    foreign = random.binomial(depth, share)
    own = np.array([random.multinomial(*pair) for pair in zip(depth - foreign, profiles[types], strict=True)])
    return sparse.csr_matrix(own + random.multinomial(foreign, np.tile(soup, (cells, 1)))), own, types, soup


def unfiltered(seed: int, spread: float = 5000) -> tuple[sparse.csr_matrix, NDArray[np.str_]]:
    """Droplets of two types, 200 large cells (median 4,000 counts) and 80 small ones (400), and 4,100 empty ones.

    Of the empty ones, 100 hold 110 to 600 counts: as many as small cells. Dirichlet-multinomial with this `spread`.
    """
    profiles, _ = programmes(seed, 1500, 2)
    random, soup = np.random.default_rng(seed + 1000), 0.6 * profiles[0] + 0.4 * profiles[1]
    sizes = {
        "large": random.lognormal(np.log(4000), 0.3, 200).astype(int),
        "small": random.lognormal(np.log(400), 0.3, 80).astype(int) + 101,
        "empty": np.maximum(random.gamma(2, 15, 4000).astype(int), 1),
        "large empty": random.integers(110, 600, 100),
    }
    rows, truth = [], []
    for name, values in sizes.items():
        for size in values:
            empty = name.endswith("empty")
            profile = random.dirichlet(spread * soup + 1e-12) if empty else profiles[int(name == "small")]
            rows.append(random.multinomial(size, profile))
            truth.append(name)
    return sparse.csr_matrix(np.array(rows)), np.array(truth)
