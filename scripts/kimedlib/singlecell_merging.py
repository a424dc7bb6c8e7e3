"""All cells of a study and the genes they are compared by, alike for every step that needs them."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_blocks import CellFiles, opened, read_frames
from kimedlib.singlecell_genes import GeneMoments, batch_codes, variable_genes
from kimedlib.singlecell_residuals import residual_genes

MINIMUM_GENES = 20


def merged(paths: list[Path], genes: str) -> CellFiles:
    """All cells with the genes that every sample (`intersection`) or any sample (`union`) measured.

    Samples without cells are those in quarantine.

    Raises
    ------
    InputProblems
        No sample is left, or the samples share hardly any gene names.
    """
    filled = [path for path in paths if read_frames(path, ("obs",)).n_obs]
    if not filled:
        found = f"all {len(paths)} samples are in quarantine (logs/qc_cells/*.log says why for each)"
        remedy = "give samples with cells, or relax `quality` in the config"
        raise InputProblems([Problem("sample sheet", "column counts", found, remedy)])
    cells = opened(filled, genes)
    if len(cells.var) < MINIMUM_GENES:
        found = f"the samples have {len(cells.var)} genes in common"
        raise InputProblems([Problem("sample sheet", "column counts", found, "use one naming of genes in all samples")])
    return cells


def genes_in_use(
    cells: CellFiles, batches: pd.Series, number: int, normalisation: str, threads: int = 1
) -> NDArray[np.bool_]:
    """Leave genes out that hardly any cell shows, and choose the variable ones among the others, (genes,).

    Variable by residual variance for `normalisation` pearson, else by the variance beyond its trend (vst).

    Raises
    ------
    InputProblems
        No gene varies.
    """
    codes = batch_codes(batches)
    moments = GeneMoments(cells.readers(), codes, len(cells.var), threads)
    shown = moments.seen.sum(axis=0) >= min(3, len(codes))
    cells.keep_genes(shown)
    moments.keep_genes(shown)
    if normalisation == "pearson":
        chosen = residual_genes(cells.blocks, batches, moments, number)
    else:
        chosen = variable_genes(cells.readers(), batches, moments, number, threads)
    if chosen.sum() < MINIMUM_GENES:
        raise InputProblems(
            [Problem("sample sheet", "column counts", f"{chosen.sum()} genes vary", "check the matrices")]
        )
    return chosen
