"""Synthetic blood cells: what each cell type expresses, who has how many, and the droplets of one sample.

Programmes follow published markers (config/markers/pbmc.yaml); depth, dropout, ambient RNA, doublets and
dying cells follow the usual picture of 10x data (Luecken & Theis, Mol Syst Biol 15:e8746, 2019).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.seeding import generator

Vector = NDArray[np.float64]

# Shares in blood mononuclear cells of healthy adults, order of magnitude as in 10x PBMC data sets.
SHARES = {
    "CD4 T": 0.30,
    "CD8 T": 0.15,
    "NK": 0.12,
    "B": 0.13,
    "CD14 monocyte": 0.17,
    "FCGR3A monocyte": 0.06,
    "Dendritic": 0.04,
    "Megakaryocyte": 0.03,
}
MONOCYTES = ("CD14 monocyte", "FCGR3A monocyte")
# Related types share part of their programme and express each other's markers weakly.
LINEAGES = (("CD4 T", "CD8 T", "NK"), (*MONOCYTES, "Dendritic"))
# Types whose genes respond to treatment: abundant enough for a test per type in samples of 200 cells.
RESPONDING = ("CD4 T", "NK", "CD14 monocyte")
MITOCHONDRIAL = ["MT-ND1", "MT-ND2", "MT-CO1", "MT-CO2", "MT-ATP8", "MT-ATP6", "MT-CO3", "MT-ND3", "MT-ND4L", "MT-ND4"]
MITOCHONDRIAL += ["MT-ND5", "MT-ND6", "MT-CYB"]
# Genes that every blood cell expresses; invented loci (SYN0001, ...) fill up the rest of the transcriptome.
HOUSEKEEPING = ["ACTB", "GAPDH", "TMSB4X", "MALAT1", "EEF1A1", "TPT1", "FTL", "FTH1", "UBB", "PTPRC"]
RIBOSOMAL = [f"RPL{number}" for number in (3, 5, 7, 10, 11, 13, 15, 18, 19, 21, 23, 27, 30, 32, 34, 37)]
RIBOSOMAL += [f"RPS{number}" for number in (2, 3, 6, 8, 12, 14, 15, 18, 19, 23, 25, 27)]


@dataclass(frozen=True)
class Programmes:
    """What the cohort has in common.

    Attributes
    ----------
    genes
        Symbols, (genes,).
    expression
        Types x genes, share of a cell's molecules.
    responses
        Planted changes by treatment: cell_type, gene, log2_fold_change.
    interferon
        Symbols of the interferon-stimulated genes among `genes`.
    """

    genes: list[str]
    expression: pd.DataFrame
    responses: pd.DataFrame
    interferon: list[str]


def programmes(
    seed: int, genes: int, types: dict[str, dict[str, list[str]]], interferon: list[str], treatment: dict[str, float]
) -> Programmes:
    """Expression programmes of all types; the same for every patient.

    Parameters
    ----------
    genes
        Number of genes in all.
    types
        Marker genes from a marker table: name -> present and absent genes.
    treatment
        `genes_per_type`, `log2_fold_change`, `effect`: how many genes of each type of `RESPONDING` change, how
        strongly, and a multiplier (0: none).
    """
    random = generator(seed, "cells", "programmes")
    marked = [gene for entry in types.values() for gene in entry["present"]]
    interferon = [gene for gene in interferon if gene not in marked]
    named = list(dict.fromkeys([*MITOCHONDRIAL, *HOUSEKEEPING, *RIBOSOMAL, *interferon]))
    named = list(dict.fromkeys([*named, *marked]))
    symbols = [*named, *(f"SYN{number:04d}" for number in range(1, genes - len(named) + 1))]
    level = pd.Series(np.exp(random.normal(0, 1.6, len(symbols))), index=symbols)
    level[HOUSEKEEPING + RIBOSOMAL] = np.exp(random.normal(2.6, 0.4, len(HOUSEKEEPING + RIBOSOMAL)))
    level[MITOCHONDRIAL] = np.exp(random.normal(1.5, 0.4, len(MITOCHONDRIAL)))
    level[interferon] = np.exp(random.normal(0.3, 0.4, len(interferon)))
    level[marked] = 0.08
    expression = pd.DataFrame(dict.fromkeys(types, level)).T
    own = symbols[len(named) :]
    for lineage in LINEAGES:
        expression.loc[list(lineage), own] *= np.exp(random.normal(0, 0.3, len(own)))
        for gene in dict.fromkeys(gene for name in lineage for gene in types[name]["present"]):
            expression.loc[list(lineage), gene] = 0.5
    for name, entry in types.items():
        expression.loc[[name], own] *= np.exp(random.normal(0, 0.2, len(own)))
        expression.loc[[name], entry["present"]] = np.exp(random.normal(1.6, 0.4, len(entry["present"])))
    # Well expressed genes only: others could not be found with any method at this depth.
    candidates = [gene for gene in own if 3.0 < level[gene] < 20.0]
    rows = []
    for name in RESPONDING:
        chosen = random.choice(candidates, int(treatment["genes_per_type"]), replace=False)
        for number, gene in enumerate(sorted(chosen)):
            change = treatment["log2_fold_change"] * (1 if number % 2 == 0 else -1)
            rows.append({"cell_type": name, "gene": str(gene), "log2_fold_change": change * treatment["effect"]})
    responses = pd.DataFrame(rows, columns=["cell_type", "gene", "log2_fold_change"])
    shares = expression.div(expression.sum(axis=1), axis=0)
    return Programmes(symbols, shares, responses[responses["log2_fold_change"] != 0], list(interferon))


def composition(random: np.random.Generator, types: list[str], shifts: dict[str, float], donor_sd: float) -> Vector:
    """Share of each type in one sample, (types,): log-ratios shifted as told, plus a donor's own deviation."""
    logs = np.log([SHARES[name] for name in types]) + random.normal(0, donor_sd, len(types))
    logs += [shifts.get(name, 0.0) for name in types]
    shares = np.exp(logs)
    result: Vector = shares / shares.sum()
    return result


def donor_expression(
    base: Programmes, batch_factor: Vector, donor_factor: Vector, treated: bool, interferon_log2fc: float
) -> pd.DataFrame:
    """Types x genes for one sample: common programmes, batch, donor, treatment and interferon response of monocytes."""
    expression = base.expression * batch_factor * donor_factor
    if treated:
        for row in base.responses.itertuples():
            expression.loc[str(row.cell_type), str(row.gene)] *= 2.0 ** float(str(row.log2_fold_change))
    for name in MONOCYTES:
        expression.loc[[name], base.interferon] *= 2.0**interferon_log2fc
    return expression.div(expression.sum(axis=1), axis=0)


def barcodes(random: np.random.Generator, number: int) -> list[str]:
    """Distinct 16-base barcodes with the suffix that Cell Ranger writes."""
    found: dict[str, None] = {}
    while len(found) < number:
        found["".join(random.choice(list("ACGT"), 16)) + "-1"] = None
    return list(found)


def droplets(
    random: np.random.Generator,
    expression: pd.DataFrame,
    shares: Vector,
    symbols: list[str],
    settings: dict[str, float],
) -> tuple[sparse.csr_matrix, pd.DataFrame]:
    """Counts and truth of one sample.

    Parameters
    ----------
    settings
        `cells`, `doublet_share`, `dying_share`, `empty_share`, `ambient_share`, `median_counts`, `depth_sd`,
        `dispersion`: see config/schemas/synthetic.schema.yaml.

    Returns
    -------
    tuple
        Droplets x genes (whole numbers) and a table: barcode, cell_type, doublet, dying, empty. A doublet's
        type is that of its first cell; an empty droplet has none.
    """
    names = list(expression.index)
    cells = int(settings["cells"])
    profile = expression.to_numpy()
    soup = shares @ profile
    mitochondrial = np.array([gene.startswith("MT-") for gene in symbols])
    size = dict(zip(names, np.where(np.isin(names, [*MONOCYTES, "Dendritic"]), 1.3, 1.0), strict=True))
    rows, truth = [], []
    empties = round(settings["empty_share"] * cells)
    for number in range(cells + empties):
        kind = int(random.choice(len(names), p=shares))
        partner = int(random.choice(len(names), p=shares))
        empty = number >= cells
        doublet = not empty and bool(random.random() < settings["doublet_share"])
        dying = not empty and not doublet and bool(random.random() < settings["dying_share"])
        depth = settings["median_counts"] * size[names[kind]] * np.exp(random.normal(0, settings["depth_sd"]))
        mixture = profile[kind]
        if doublet:
            mixture, depth = (profile[kind] + profile[partner]) / 2, depth * 1.8
        if dying:
            mixture = np.where(mitochondrial, mixture * 12, mixture)
            mixture, depth = mixture / mixture.sum(), depth * 0.5
        if empty:
            mixture, depth = soup, settings["median_counts"] * 0.06
        rate = depth * ((1 - settings["ambient_share"]) * mixture + settings["ambient_share"] * soup)
        shape = 1 / settings["dispersion"]
        rows.append(random.poisson(random.gamma(shape, rate / shape)))
        truth.append(["" if empty else names[kind], *("yes" if flag else "no" for flag in (doublet, dying, empty))])
    order = random.permutation(len(rows))
    table = pd.DataFrame([truth[place] for place in order], columns=["cell_type", "doublet", "dying", "empty"])
    table.insert(0, "barcode", barcodes(random, len(rows)))
    return sparse.csr_matrix(np.vstack(rows)[order], dtype=np.int32), table
