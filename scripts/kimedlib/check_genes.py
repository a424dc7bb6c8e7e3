"""Checks of gene and cell names, and a glance at the counts, before any job reads whole matrices."""

import csv
import gzip
import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from kimedlib.cells_reading import PROTEINS, SYMBOL_COLUMNS, matrix_files, read_lines
from kimedlib.problems import Problem

# Ensembl stable identifiers of genes of the two species whose cells are mixed in practice, and 10x barcodes.
HUMAN, MOUSE = r"ENSG\d{11}", r"ENSMUSG\d{11}"
BARCODE = r"[ACGTN]{12,}(?:-\d+)?"
# References of two species prefix names with the genome, e.g. GRCh38_CD3D, mm10___Cd3d.
GENOME = r"^(GRCh3[78]|hg19|hg38|GRCm3[89]|mm9|mm10|mm39)_+"
# Fewer names than this say nothing of their kind; samples that share fewer than MINIMUM_SHARED of the smaller
# one's genes name them differently.
MINIMUM_NAMES, MINIMUM_SHARED = 20, 0.05
GLANCE = 100_000


@dataclass(frozen=True)
class Names:
    """Names in one file: identifiers and symbols of its genes (equal where there is one kind) and its barcodes."""

    ids: pd.Series
    symbols: pd.Series
    cells: pd.Series


def texts(values: Iterable[Any]) -> pd.Series:
    """Strings of byte strings or strings."""
    return pd.Series([value.decode() if isinstance(value, bytes) else str(value) for value in values], dtype=object)


def column(table: h5py.Group | h5py.Dataset, name: str) -> pd.Series:
    """One column of an H5AD obs or var (group, or compound dataset before AnnData 0.7)."""
    entry = table[name]
    if isinstance(entry, h5py.Group):
        names: pd.Series = texts(entry["categories"][()]).iloc[entry["codes"][()]].reset_index(drop=True)
        return names
    return texts(entry[()] if isinstance(entry, h5py.Dataset) else entry)


def h5ad_names(handle: h5py.File, matrix: str) -> Names:
    """Names of the matrix that the config chooses."""
    var = next((handle[place] for place in ("raw/var", "raw.var") if matrix == "raw" and place in handle), None)
    var = handle["var"] if var is None else var
    known = var.dtype.names if isinstance(var, h5py.Dataset) else list(var)
    index, obs = var.attrs.get("_index", "index"), handle["obs"]
    symbols = column(var, index)
    ids = next((column(var, name) for name in ("gene_ids", "gene_id") if name in known), symbols)
    if share(symbols, f"{HUMAN}|{MOUSE}") > 0.5:
        symbols = next((column(var, name) for name in SYMBOL_COLUMNS if name in known), symbols)
    return Names(ids, symbols, column(obs, obs.attrs.get("_index", "index")))


def h5_names(handle: h5py.File) -> Names:
    """Names in a 10x H5 file of either layout."""
    group = handle["matrix"] if "matrix" in handle else handle[sorted(handle)[0]]
    cells = texts(group["barcodes"][()])
    if "features" not in group:
        return Names(texts(group["genes"][()]), texts(group["gene_names"][()]), cells)
    features = group["features"]
    wanted = (texts(features["feature_type"][()]) == "Gene Expression").to_numpy()
    ids, symbols = (texts(features[name][()])[wanted].reset_index(drop=True) for name in ("id", "name"))
    return Names(ids, symbols, cells)


def names_of(path: Path, kind: str, matrix: str) -> Names:
    """Names in a file whose form has been checked; of a table those of the first column and the first line."""
    if kind in ("h5", "h5ad"):
        with h5py.File(path, "r") as handle:
            return h5_names(handle) if kind == "h5" else h5ad_names(handle, matrix)
    if kind == "mtx":
        files = matrix_files(path)
        rows = [row for row in read_lines(files["features"]) if len(row) < 3 or row[2] == "Gene Expression"]
        return Names(
            texts(row[0] for row in rows), texts(row[min(1, len(row) - 1)] for row in rows),
            texts(row[0] for row in read_lines(files["barcodes"])),
        )  # fmt: skip
    separator = "," if ".csv" in path.suffixes else "\t"
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as text:
        head = next(csv.reader([text.readline()], delimiter=separator), [])
        genes = texts(line.split(separator, 1)[0].strip().strip('"') for line in text if line.strip())
    return Names(genes, genes, texts(head))


def protein_problems(path: Path, kind: str) -> list[Problem]:
    """A file without proteins where the config asks for them."""
    if kind == "h5":
        with h5py.File(path, "r") as handle:
            types = handle["matrix/features/feature_type"][()] if "matrix/features" in handle else []
        kinds = set(texts(types))
    elif kind == "mtx":
        kinds = {row[2] for row in read_lines(matrix_files(path)["features"]) if len(row) > 2}
    else:
        found = "holds no proteins: only 10x folders and 10x H5 files tell them from genes"
        return [Problem(str(path), "", found, "give the 10x output, or leave out `proteins`")]
    if PROTEINS in kinds:
        return []
    found = f"has no features of type '{PROTEINS}'"
    return [Problem(str(path), "feature types", found, "give CITE-seq output, or leave out `proteins`")]


def share(names: pd.Series, pattern: str) -> float:
    """Share of names that match a pattern as a whole."""
    return float(names.str.fullmatch(pattern).mean()) if len(names) else 0.0


@lru_cache(maxsize=16)
def species(ids: tuple[str, ...], symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Species of genes, as far as identifiers, prefixes or the spelling of symbols tell.

    Remembered, as most samples of a study name the same genes.
    """
    names = Names(pd.Series(ids, dtype=object), pd.Series(symbols, dtype=object), pd.Series(dtype=object))
    genomes = names.symbols.str.extract(GENOME)[0].dropna()
    found = {"human" if name.startswith(("GRCh", "hg")) else "mouse" for name in genomes.unique()}
    stable = names.ids.str.replace(r"^.*_|\..*$", "", regex=True)
    for name, pattern in (("human", HUMAN), ("mouse", MOUSE)):
        if share(stable, pattern) > 0.01:
            found.add(name)
    # Mouse symbols are human ones in small letters (Cd3d, CD3D); a matrix of both holds both spellings.
    small = names.symbols[names.symbols.str.fullmatch(r"[A-Z][a-z]+[a-z0-9-]*")].str.upper()
    if not found and len(small) >= MINIMUM_NAMES and small.isin(set(names.symbols)).mean() > 0.5:
        found = {"human", "mouse"}
    return tuple(sorted(found))


def gene_problems(names: Names, file: str, markers: set[str]) -> list[Problem]:
    """Transposed matrices, repeated genes, two species, and names that the marker table does not know.

    Parameters
    ----------
    markers
        Genes of the marker table; empty if cells are not annotated.
    """
    symbols = set(names.symbols)
    turned = len(markers & set(names.cells)) >= 3 and not markers & symbols
    if turned or share(names.symbols, BARCODE) > 0.5 or share(names.cells, f"{HUMAN}|{MOUSE}") > 0.5:
        found = f"genes and cells are exchanged (a gene is called '{names.symbols.iloc[0]}'): the matrix is transposed"
        return [Problem(file, "gene names", found, "give genes in rows of tables and MTX, cells in rows of H5AD")]
    problems = []
    twice = names.ids[names.ids.duplicated()]
    if len(twice):
        found = f"{twice.nunique()} genes stand more than once, first '{twice.iloc[0]}'"
        problems.append(Problem(file, "gene identifiers", found, "add up or rename the repeated genes"))
    if len(kinds := species(tuple(names.ids), tuple(names.symbols))) > 1:
        found = f"genes of {' and '.join(kinds)} in one matrix"
        problems.append(Problem(file, "gene names", found, "keep the cells and genes of one species"))
    elif markers and len(symbols) >= MINIMUM_NAMES and not markers & symbols:
        found = f"no gene of the marker table is among them (the first is called '{names.symbols.iloc[0]}')"
        remedy = "rename the genes as the table does, or set `annotation.markers` to a table with their names or to ''"
        if share(names.symbols, rf"(?:{HUMAN}|{MOUSE})(?:\.\d+)?") > 0.5:
            problems.append(Problem(file, "gene names", f"are Ensembl identifiers; {found}", remedy))
        elif markers & set(names.symbols.str.upper()):
            problems.append(Problem(file, "gene names", f"are spelt like those of mice; {found}", remedy))
    return problems


def shared_problems(samples: dict[str, Names]) -> list[Problem]:
    """Samples whose genes hardly any other sample has: another naming or another species."""
    sets = {file: set(names.symbols) for file, names in samples.items() if len(names.symbols) >= MINIMUM_NAMES}
    if len(sets) < 2:
        return []
    known = Counter(itertools.chain.from_iterable(sets.values()))
    # The reference is the sample whose genes most samples have; with two samples, the first.
    usual = max(sets, key=lambda file: sum(known[gene] for gene in sets[file]) / len(sets[file]))
    problems = []
    for file, genes in sets.items():
        common = len(genes & sets[usual])
        if common < MINIMUM_SHARED * min(len(genes), len(sets[usual])):
            examples = f"'{min(genes)}' here, '{min(sets[usual])}' there"
            found = f"{common} of {len(genes)} genes are also in {usual} ({examples})"
            problems.append(
                Problem(file, "gene names", found, "use one naming of genes and one species in all samples")
            )
    return problems


def glance(path: Path, kind: str, matrix: str) -> list[Problem]:
    """Empty matrices, and values that are no counts among the first ones of an HDF5 file."""
    with h5py.File(path, "r") as handle:
        if kind == "h5":
            entry, place = (handle["matrix"] if "matrix" in handle else handle[sorted(handle)[0]]), "matrix"
            shape = entry["shape"][()]
        else:
            place = matrix if matrix != "raw" else "raw/X" if "raw/X" in handle else "raw.X"
            entry = handle[place]
            shape = (
                entry.shape
                if isinstance(entry, h5py.Dataset)
                else entry.attrs.get("shape", entry.attrs.get("h5sparse_shape"))
            )
        if shape is not None and 0 in tuple(shape):
            return [
                Problem(
                    str(path), place, f"is empty: its shape is {tuple(map(int, shape))}", "give a matrix with cells"
                )
            ]
        values = entry[:100] if isinstance(entry, h5py.Dataset) else entry["data"][:GLANCE]
    broken = np.asarray(values)[np.asarray(values) % 1 != 0]
    if broken.size:
        remedy = "give raw counts, or set `input.state: lognormalised` or `input.h5ad_matrix`"
        return [Problem(str(path), place, f"values are not whole numbers (e.g. {broken.flat[0]:.3g})", remedy)]
    return []
