"""Matrices that count things of a grey level (i) and a size (j): runs, zones, distances, dependences.

IBSI gives the four families (arXiv:1612.07003v11, 3.7, 3.8, 3.9, 3.11) the same formulas under different names.
"""

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Things:
    """Counts of things by group (slice, direction), grey level and size.

    Parameters
    ----------
    group, level, size
        One entry per thing, shape (things,); sizes from 1.
    voxels
        Voxels per group, shape (groups,), each counted once per thing it may belong to.
    """

    def __init__(self, group: Levels, level: Levels, size: Levels, voxels: NDArray[np.int64]) -> None:
        deepest, widest = int(level.max()) + 1, int(size.max()) + 1
        code, self.count = np.unique((group * deepest + level) * widest + size, return_counts=True)
        self.size = (code % widest).astype(np.float64)
        self.level = (code // widest % deepest).astype(np.float64)
        self.group = code // widest // deepest
        self.voxels = voxels

    def merged(self, target: NDArray[np.int64]) -> "Things":
        """The same things in coarser groups: target gives the new group of each old one."""
        repeat = self.count
        voxels = np.bincount(target, self.voxels).astype(np.int64)
        return Things(
            np.repeat(target[self.group], repeat), np.repeat(self.level.astype(np.int64), repeat),
            np.repeat(self.size.astype(np.int64), repeat), voxels,
        )  # fmt: skip

    def features(self, names: dict[str, str]) -> dict[str, float]:
        """Means over groups that are not empty.

        Parameters
        ----------
        names
            Name of each of the features below in this family.
        """
        groups = len(self.voxels)
        n, i, j = self.count.astype(np.float64), self.level, self.size
        total = np.bincount(self.group, n, minlength=groups)
        used = total > 0

        def mean(value: Numbers) -> Numbers:
            return np.asarray(np.bincount(self.group, n * value, minlength=groups)[used] / total[used])

        def squares(key: Numbers) -> Numbers:
            wide = int(key.max()) + 1
            code, inverse = np.unique(self.group * wide + key.astype(np.int64), return_inverse=True)
            summed = np.bincount(inverse, n)
            return np.asarray(np.bincount(code // wide, summed**2, minlength=groups)[used] / total[used])

        chance = n / total[self.group]
        mean_i, mean_j = mean(i), mean(j)
        gathered = {
            "small": mean(1 / j**2), "large": mean(j**2), "low": mean(1 / i**2), "high": mean(i**2),
            "small_low": mean(1 / (i * j) ** 2), "small_high": mean((i / j) ** 2),
            "large_low": mean((j / i) ** 2), "large_high": mean((i * j) ** 2),
            "level_nonuniformity": squares(i), "level_nonuniformity_norm": squares(i) / total[used],
            "size_nonuniformity": squares(j), "size_nonuniformity_norm": squares(j) / total[used],
            "share": total[used] / self.voxels[used],
            "level_variance": mean(i**2) - mean_i**2, "size_variance": mean(j**2) - mean_j**2,
            "entropy": mean(-np.log2(chance)), "energy": mean(chance),
        }  # fmt: skip
        return {name: float(gathered[key].mean()) for key, name in names.items()}


def named(family: str, texts: str, suffix: str = "") -> dict[str, str]:
    """Names of the features of a family by the keys of `Things.features`, in its order."""
    keys = (
        "small", "large", "low", "high", "small_low", "small_high", "large_low", "large_high", "level_nonuniformity",
        "level_nonuniformity_norm", "size_nonuniformity", "size_nonuniformity_norm", "share", "level_variance",
        "size_variance", "entropy", "energy",
    )  # fmt: skip
    return {key: f"{family}_{text}{suffix}" for key, text in zip(keys, texts.split(), strict=False)}


RUNS = "sre lre lgre hgre srlge srhge lrlge lrhge glnu glnu_norm rlnu rlnu_norm r_perc gl_var rl_var rl_entr"
ZONES = "sze lze lgze hgze szlge szhge lzlge lzhge glnu glnu_norm zsnu zsnu_norm z_perc gl_var zs_var zs_entr"
DISTANCES = "sde lde lgze hgze sdlge sdhge ldlge ldhge glnu glnu_norm zdnu zdnu_norm z_perc gl_var zd_var zd_entr"
DEPENDENCES = (
    "lde hde lgce hgce ldlge ldhge hdlge hdhge glnu glnu_norm dcnu dcnu_norm dc_perc gl_var dc_var dc_entr dc_energy"
)
