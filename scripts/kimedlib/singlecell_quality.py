"""Which barcodes of a sample are intact cells: thresholds from the median and its absolute deviation (MAD)."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

# MAD of a normal distribution in units of its standard deviation.
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class QualityLimits:
    """What a barcode must satisfy; see config/schemas/singlecell.schema.yaml for each key."""

    minimum_counts: int
    minimum_genes: int
    deviations: float
    mitochondrial_deviations: float
    mitochondrial_floor_percent: float
    mitochondrial_ceiling_percent: float


@dataclass(frozen=True)
class Thresholds:
    """The limits that were applied to one sample, in counts, genes and percent."""

    minimum_counts: float
    minimum_genes: float
    maximum_mitochondrial_percent: float

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.4g}" for name, value in asdict(self).items())


def mitochondrial(data: AnnData, identifiers: set[str], prefix: str) -> NDArray[np.bool_]:
    """Which genes lie on the mitochondrial genome, by symbol prefix or by (unversioned) gene identifier, (genes,)."""
    by_symbol = data.var_names.str.upper().str.startswith(prefix.upper())
    by_identifier = data.var["gene_id"].astype(str).str.split(".").str[0].isin(identifiers).to_numpy()
    found: NDArray[np.bool_] = np.asarray(by_symbol | by_identifier)
    return found


def cell_metrics(data: AnnData, mitochondrial_genes: NDArray[np.bool_]) -> pd.DataFrame:
    """Counts, genes and mitochondrial percentage per barcode (barcodes x 3)."""
    counts = np.asarray(data.X.sum(axis=1), dtype=np.float64).ravel()
    genes = np.diff(data.X.indptr) if data.X.data.all() else np.asarray((data.X > 0).sum(axis=1)).ravel()
    inside = data.X @ mitochondrial_genes.astype(np.float64)
    percent = np.divide(100 * inside, counts, out=np.zeros_like(counts), where=counts > 0)
    return pd.DataFrame({"counts": counts, "genes": genes, "mitochondrial_percent": percent}, index=data.obs_names)


def median_and_mad(values: NDArray[np.float64]) -> tuple[float, float]:
    """Median and MAD in units of a standard deviation."""
    middle = float(np.median(values))
    return middle, MAD_TO_SD * float(np.median(np.abs(values - middle)))


def thresholds(metrics: pd.DataFrame, limits: QualityLimits) -> Thresholds:
    """Limits of one sample.

    Counts and genes are bounded below, on the log scale; upper tails are left to the doublet scores.
    The centre is taken over barcodes above the fixed minima, since empty droplets would shift it.

    References
    ----------
    Heumos et al., Nat Rev Genet 24:550 (2023), doi:10.1038/s41576-023-00586-w (5 MAD; 3 MAD for mitochondrial
    genes); Germain et al., Genome Biol 21:227 (2020).
    """
    solid = metrics[(metrics["counts"] >= limits.minimum_counts) & (metrics["genes"] >= limits.minimum_genes)]
    if solid.empty:
        return Thresholds(limits.minimum_counts, limits.minimum_genes, limits.mitochondrial_ceiling_percent)
    lower = {}
    for name in ("counts", "genes"):
        middle, mad = median_and_mad(np.log1p(solid[name].to_numpy(dtype=np.float64)))
        lower[name] = float(np.expm1(middle - limits.deviations * mad))
    middle, mad = median_and_mad(solid["mitochondrial_percent"].to_numpy(dtype=np.float64))
    upper = middle + limits.mitochondrial_deviations * mad
    return Thresholds(
        max(lower["counts"], limits.minimum_counts),
        max(lower["genes"], limits.minimum_genes),
        float(np.clip(upper, limits.mitochondrial_floor_percent, limits.mitochondrial_ceiling_percent)),
    )


def failures(metrics: pd.DataFrame, limits: Thresholds) -> pd.Series:
    """First reason why a barcode is left out: low_counts, low_genes, high_mitochondrial or "" (intact), (barcodes,)."""
    reason = pd.Series("", index=metrics.index, dtype=object)
    reason[metrics["mitochondrial_percent"] > limits.maximum_mitochondrial_percent] = "high_mitochondrial"
    reason[metrics["genes"] < limits.minimum_genes] = "low_genes"
    reason[metrics["counts"] < limits.minimum_counts] = "low_counts"
    return reason
