"""Copy numbers of tumours from depths per bin: CNVkit's corrections, segmentation and calls.

CNVkit (Talevich et al. 2016, doi:10.1371/journal.pcbi.1004873) is used as a library. A tumour is compared with its own
normal, so that what the capture prefers and the sex fall out; how much a bin scatters among normals gives its weight.
Its segmentation by Haar wavelets (Ben-Yaacov and Eldar 2008, doi:10.1093/bioinformatics/btn272) needs no R.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Biopython takes every folder with a pyproject.toml for its own source
    from cnvlib import fix
    from cnvlib.cnary import CopyNumArray
    from cnvlib.segmentation import do_segmentation

from kimedlib.logs import only_errors

SMALLEST_RATIO = 2**-5  # of depth, where a homozygous loss leaves nothing
PSEUDO = 0.5  # reads added, so that empty bins have a logarithm
MINIMUM_DEPTH = 5  # mean reads of the normal per bin; thinner bins say nothing
MINIMUM_SPREAD = 0.05
MINIMUM_WEIGHT = 0.05
COLUMNS = ["contig", "start", "end", "bins", "log2", "log2_low", "log2_high", "copies", "state"]


def relative(depths: np.ndarray) -> np.ndarray:
    """log2 of depths over their median over all bins with reads."""
    typical = np.median(depths[depths > 0]) if (depths > 0).any() else 1.0
    return np.asarray(np.log2((depths + PSEUDO) / (typical + PSEUDO)))


def spread_among_normals(normals: Sequence[np.ndarray], sexes_differ: np.ndarray) -> np.ndarray:
    """Robust standard deviation of each bin's relative depth among normals, shape (bins,).

    Bins of sex chromosomes (`sexes_differ`) vary with sex; they get the median of the others. With fewer than three
    normals all bins are alike.
    """
    if len(normals) < 3:
        return np.full(len(sexes_differ), 0.2)
    table = np.array([relative(one) for one in normals])
    deviation = 1.4826 * np.median(np.abs(table - np.median(table, axis=0)), axis=0)
    if sexes_differ.any() and not sexes_differ.all():
        deviation[sexes_differ] = np.median(deviation[~sexes_differ])
    return np.asarray(np.maximum(deviation, MINIMUM_SPREAD))


def log_ratios(bins: pd.DataFrame, spread: np.ndarray) -> CopyNumArray:
    """Corrected log2 ratios of tumour over normal, as CNVkit holds them.

    Parameters
    ----------
    bins
        contig, start, end, gc, tumour, normal (mean depths), sorted as the reference is.
    spread
        Of `spread_among_normals`.

    Raises
    ------
    ValueError
        The normal covers no bin.
    """
    usable = (bins["normal"] >= MINIMUM_DEPTH).to_numpy()
    if not usable.any():
        raise ValueError(f"no bin of the normal has {MINIMUM_DEPTH} reads; copy numbers need a covered normal")
    kept = bins[usable]
    ratio = relative(kept["tumour"].to_numpy(float)) - relative(kept["normal"].to_numpy(float))
    table = pd.DataFrame(
        {
            "chromosome": kept["contig"], "start": kept["start"], "end": kept["end"], "gene": "-",
            "log2": np.maximum(ratio, np.log2(SMALLEST_RATIO)), "depth": kept["tumour"].astype(float),
            "weight": np.maximum(1 - spread[usable] ** 2, MINIMUM_WEIGHT), "gc": kept["gc"].fillna(0.5),
        }
    ).reset_index(drop=True)  # fmt: skip
    ratios = CopyNumArray(table, {"sample_id": "tumour"})
    if len(ratios) >= 50:  # a trend over fewer bins is noise
        ratios = fix.center_by_window(ratios, 0.1, ratios["gc"])
        ratios.sort()
    ratios.center_all(estimator=pd.Series.median)
    return ratios


def segments(ratios: CopyNumArray, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Stretches of one copy number, columns `COLUMNS`.

    Parameters
    ----------
    ratios
        Of `log_ratios`.
    settings
        Section `copy_number` of the config: significance (false discovery rate of breakpoints), minimum_bins,
        minimum_log2, minimum_usable_bins.

    Returns
    -------
    pandas.DataFrame
        log2 of tumour over normal with its 95 % interval (Student's t over bins), copies if the normal has two, state
        "gain", "loss", "neutral" or "too short": gain and loss need minimum_bins, an interval without 0 and a log2
        beyond minimum_log2. All are "not determinable" where fewer than minimum_usable_bins bins tell what scatter is
        usual: breakpoints are then set where a few bins differ by chance, and intervals do not know it.
    """
    with only_errors():
        found = do_segmentation(ratios, "haar", threshold=settings["significance"])
    few = len(ratios) < settings["minimum_usable_bins"]
    rows = []
    for one in found.data.itertuples():
        inside = ratios.data[
            (ratios.data["chromosome"] == one.chromosome)
            & (ratios.data["start"] >= one.start)
            & (ratios.data["end"] <= one.end)
        ]
        values, weights = inside["log2"].to_numpy(), inside["weight"].to_numpy()
        mean = float(np.average(values, weights=weights))
        scatter = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
        freedom = max(1, len(values) - 1)
        margin = float(stdtrit(freedom, 0.975)) * max(scatter, MINIMUM_SPREAD) / np.sqrt(freedom)
        state = "neutral"
        if few:
            state = "not determinable"
        elif len(values) < settings["minimum_bins"]:
            state = "too short"
        elif abs(mean) >= settings["minimum_log2"] and abs(mean) > margin:
            state = "gain" if mean > 0 else "loss"
        rows.append(
            (one.chromosome, int(one.start), int(one.end), len(values), mean, mean - margin, mean + margin,
             2 * 2**mean, state)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)
