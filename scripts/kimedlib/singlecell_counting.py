"""What counting programmes leave, read into one form; sequencing saturation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import io, sparse

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Counted:
    """Unfiltered counts of one sample.

    Attributes
    ----------
    counts
        Barcodes x genes, molecules; barcodes in alphabetical order, none without a molecule.
    features
        gene_id and symbol of each gene.
    reads
        Reads behind `counts`, of the same form; None where the programme does not tell.
    histogram
        `reads` of a molecule and `molecules` that have so many; empty where the programme does not tell.
    statistics
        `reads`, `mapped_percent`, `valid_barcode_percent` (after correction; of mapped reads, with STARsolo of all),
        `saturation_percent`.
    """

    counts: sparse.csr_matrix
    barcodes: list[str]
    features: pd.DataFrame
    reads: sparse.csr_matrix | None
    histogram: pd.DataFrame
    statistics: dict[str, float]


def lines_of(path: Path) -> list[str]:
    """Lines of a text file."""
    return path.read_text(encoding="utf-8").splitlines()


def read_t2g(path: Path) -> pd.DataFrame:
    """Transcript, gene_id and symbol (the identifier where there is no name) of each transcript."""
    rows = [line.split("\t") for line in lines_of(path) if line.strip()]
    names = [(row[0], row[1], row[2] if len(row) > 2 and row[2] else row[1]) for row in rows]
    return pd.DataFrame(names, columns=["transcript", "gene_id", "symbol"])


def features_of(genes: Sequence[str], t2g: Path) -> pd.DataFrame:
    """gene_id and symbol of genes in their order."""
    symbols = read_t2g(t2g).drop_duplicates("gene_id").set_index("gene_id")["symbol"]
    named = symbols.to_dict()
    return pd.DataFrame({"gene_id": list(genes), "symbol": [str(named.get(gene, gene)) for gene in genes]})


def whole_numbers(path: Path) -> sparse.csr_matrix:
    """A MatrixMarket file of counts."""
    return sparse.csr_matrix(io.mmread(path)).astype(np.int32)


def saturation(histogram: pd.DataFrame, fraction: float = 1.0) -> float:
    """Share of reads that repeat a molecule, where a random `fraction` of the reads is kept.

    1 - molecules / reads, as 10x Genomics defines it. A molecule seen in n reads is still seen with probability
    1 - (1 - fraction)^n, so that nothing has to be drawn.

    Parameters
    ----------
    histogram
        `reads` (of a molecule) and `molecules` (how many have so many).
    """
    copies, molecules = histogram["reads"].to_numpy(np.float64), histogram["molecules"].to_numpy(np.float64)
    reads = fraction * float(copies @ molecules)
    if not reads:
        return 0.0
    return 1.0 - float(((1.0 - (1.0 - fraction) ** copies) * molecules).sum()) / reads


def genes_at(reads: sparse.csr_matrix, fraction: float) -> Vector:
    """Expected genes of each barcode, (barcodes,), where a random `fraction` of the reads is kept."""
    seen = sparse.csr_matrix(reads, dtype=np.float64, copy=True)
    seen.data = 1.0 - (1.0 - fraction) ** seen.data
    result: Vector = np.asarray(seen.sum(axis=1)).ravel()
    return result


def read_kb(folder: Path, t2g: Path) -> Counted:
    """What `count_reads` leaves: matrices of bustools, histogram of reads per molecule, reports of both programmes."""
    barcodes, genes = lines_of(folder / "counts.barcodes.txt"), lines_of(folder / "counts.genes.txt")
    counts, reads = whole_numbers(folder / "counts.mtx"), whole_numbers(folder / "reads.mtx")
    order = {barcode: place for place, barcode in enumerate(lines_of(folder / "reads.barcodes.txt"))}
    run, before, after = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("run_info", "mapped", "corrected")
    )
    histogram = pd.read_csv(folder / "histogram.tsv", sep="\t")
    statistics = {
        "reads": run["n_processed"],
        "mapped_percent": 100 * run["n_pseudoaligned"] / max(run["n_processed"], 1),
        "valid_barcode_percent": 100 * after["numReads"] / max(before["numReads"], 1),
        "saturation_percent": 100 * saturation(histogram),
    }
    kept = np.array([order[barcode] for barcode in barcodes])
    return assembled(counts, barcodes, features_of(genes, t2g), statistics, (reads[kept], histogram))


def read_starsolo(folder: Path) -> Counted:
    """STARsolo's `Solo.out/Gene`; its raw matrix has genes in rows and all barcodes of the list in columns."""
    raw = folder / "raw"
    rows = [line.split("\t") for line in lines_of(raw / "features.tsv")]
    features = pd.DataFrame({"gene_id": [row[0] for row in rows], "symbol": [row[1] for row in rows]})
    told = dict(line.rsplit(",", 1) for line in lines_of(folder / "Summary.csv"))
    mapped = float(told["Reads Mapped to Genome: Unique+Multiple"])
    statistics = {
        "reads": int(told["Number of Reads"]),
        "mapped_percent": 100 * mapped,
        "valid_barcode_percent": 100 * float(told["Reads With Valid Barcodes"]),
        "saturation_percent": 100 * float(told["Sequencing Saturation"]),
    }
    counts = sparse.csr_matrix(whole_numbers(raw / "matrix.mtx").T)
    return assembled(counts, lines_of(raw / "barcodes.tsv"), features, statistics)


def read_simpleaf(folder: Path, t2g: Path) -> Counted:
    """Simpleaf's output folder: `af_quant/alevin/quants_mat*` (barcodes in rows) and `af_map/map_info.json`."""
    quants = folder / "af_quant" / "alevin"
    genes = lines_of(quants / "quants_mat_cols.txt")
    told = json.loads((folder / "af_map" / "map_info.json").read_text())
    features = pd.read_csv(folder / "af_quant" / "featureDump.txt", sep="\t")
    corrected, molecules = features["CorrectedReads"].sum(), features["DeduplicatedReads"].sum()
    statistics = {
        "reads": int(told["num_reads"]),
        "mapped_percent": float(told["percent_mapped"]),
        "valid_barcode_percent": 100 * float(corrected) / max(int(told["num_mapped"]), 1),
        "saturation_percent": 100 * (1 - float(molecules) / max(float(features["MappedReads"].sum()), 1)),
    }
    counts = whole_numbers(quants / "quants_mat.mtx")
    barcodes = lines_of(quants / "quants_mat_rows.txt")
    return assembled(counts, barcodes, features_of(genes, t2g), statistics)


def assembled(
    counts: sparse.csr_matrix,
    barcodes: Sequence[str],
    features: pd.DataFrame,
    statistics: Mapping[str, Any],
    depth: tuple[sparse.csr_matrix, pd.DataFrame] | None = None,
) -> Counted:
    """Barcodes with molecules, in alphabetical order: engines and threads differ in theirs.

    Raises
    ------
    ValueError
        Matrix and names do not fit, or nothing was counted.
    """
    if counts.shape != (len(barcodes), len(features)):
        raise ValueError(f"matrix of {counts.shape}, but {len(barcodes)} barcodes and {len(features)} genes")
    totals = np.asarray(counts.sum(axis=1)).ravel()
    names = np.array(barcodes)
    order = np.argsort(names, kind="stable")
    order = order[totals[order] > 0]
    if not len(order):
        raise ValueError("not one molecule was counted: do reads, chemistry, barcodes and reference belong together?")
    numbers = {name: round(float(value), 4) for name, value in statistics.items()}
    reads, histogram = depth if depth else (None, pd.DataFrame())
    behind = None if reads is None else sparse.csr_matrix(reads[order])
    chosen = sparse.csr_matrix(counts[order])
    return Counted(chosen, list(names[order]), features.reset_index(drop=True), behind, histogram, numbers)


def read_counted(engine: str, folder: Path, t2g: Path | None) -> Counted:
    """Counts of one sample from the folder that an engine has written; starsolo, which maps to a genome, has no t2g."""
    if t2g is None:
        return read_starsolo(folder)
    return {"kb": read_kb, "simpleaf": read_simpleaf}[engine](folder, t2g)
