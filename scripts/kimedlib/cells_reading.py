"""Count matrices of single cells: 10x folders (MTX), 10x H5, H5AD and plain tables, read into one form."""

import gzip
import importlib.util
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import io, sparse

from kimedlib.problems import InputProblems, Problem

# What 10x calls features in features.tsv and H5 files.
GENES, PROTEINS = "Gene Expression", "Antibody Capture"
TABLE_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
# Where H5AD files whose index is Ensembl identifiers keep symbols; the first is that of the CELLxGENE schema.
SYMBOL_COLUMNS = ("feature_name", "gene_symbols", "gene_symbol", "gene_names", "gene_name", "symbol")
# Depths of real cells differ by far more than a hundredth; rounding moves totals of normalised cells by less.
CELLS_FOR_TOTALS, EQUAL_TOTALS = 20, 0.01
# What HDF5, gzip and the text parsers raise on truncated or foreign files.
UNREADABLE = (OSError, EOFError, zlib.error, UnicodeDecodeError, KeyError, ValueError)


def located(path: str) -> str:
    """Path of a file that an installed package ships, for `package:<package>/<file>`; other paths stay as they are.

    Raises
    ------
    InputProblems
        The package is not installed.
    """
    if not path.startswith("package:"):
        return path
    package, _, inside = path.removeprefix("package:").partition("/")
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        found_nothing = f"package {package} is not installed"
        raise InputProblems([Problem(path, "", found_nothing, "install it or give a path")])
    return str(Path(found.origin).parent / inside)


def matrix_files(folder: Path) -> dict[str, Path]:
    """The three files of a 10x folder by role (matrix, features, barcodes); absent ones are left out.

    Cell Ranger 3 and later write features.tsv.gz, version 2 wrote genes.tsv.
    """
    names = {"matrix": ("matrix.mtx",), "features": ("features.tsv", "genes.tsv"), "barcodes": ("barcodes.tsv",)}
    files = {}
    for role, stems in names.items():
        for candidate in [folder / f"{stem}{suffix}" for stem in stems for suffix in (".gz", "")]:
            if candidate.is_file():
                files[role] = candidate
                break
    return files


def format_of(path: Path) -> str:
    """`mtx`, `h5`, `h5ad` or `table`; "" for anything else."""
    if path.is_dir():
        return "mtx"
    if path.name.endswith(".h5ad"):
        return "h5ad"
    if path.name.endswith((".h5", ".hdf5")):
        return "h5"
    return "table" if path.name.endswith(TABLE_SUFFIXES) else ""


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn a reader's error about `path` into a problem that names the file."""
    try:
        yield
    except InputProblems:
        raise
    except UNREADABLE as error:
        found = f"cannot be read ({type(error).__name__}: {str(error)[:160]})"
        remedy = "the file is damaged or of another format; copy it again"
        raise InputProblems([Problem(str(path), "", found, remedy)]) from None


def read_lines(path: Path) -> list[list[str]]:
    """Tab-separated cells of every line of a text file, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as handle:
        return [line.rstrip("\r\n").split("\t") for line in handle if line.strip()]


def read_mtx(folder: Path, kind: str = GENES) -> ad.AnnData:
    """A 10x folder; only rows of type `kind` are kept where the types are given."""
    files = matrix_files(folder)
    missing = sorted({"matrix", "features", "barcodes"} - set(files))
    if missing:
        raise InputProblems(
            Problem(str(folder), role, f"no {role} file in the folder", "copy the whole 10x folder") for role in missing
        )
    counts = sparse.csr_matrix(io.mmread(files["matrix"])).T.tocsr()
    features, barcodes = read_lines(files["features"]), read_lines(files["barcodes"])
    for axis, role in enumerate(("barcodes", "features")):
        lines = len(barcodes if axis == 0 else features)
        if counts.shape[axis] != lines:
            found = f"has {lines} lines, {files['matrix'].name} has {counts.shape[axis]} {role}"
            remedy = "the files belong to different matrices; copy them again"
            raise InputProblems([Problem(str(files[role]), "", found, remedy)])
    table = pd.DataFrame(
        {
            "gene_id": [row[0] for row in features],
            "symbol": [row[1] if len(row) > 1 else row[0] for row in features],
            "kind": [row[2] if len(row) > 2 else GENES for row in features],
        }
    )
    return assembled(counts, [row[0] for row in barcodes], table, kind)


def read_h5(path: Path, kind: str = GENES) -> ad.AnnData:
    """Features of type `kind` of a 10x H5 file of Cell Ranger 3 and later (`matrix`) or 2 (one group per genome)."""

    def text(dataset: h5py.Dataset) -> list[str]:
        return [value.decode() if isinstance(value, bytes) else str(value) for value in dataset[()]]

    with h5py.File(path, "r") as handle:
        group = handle["matrix"] if "matrix" in handle else handle[sorted(handle)[0]]
        genes, cells = (int(value) for value in group["shape"][()])
        parts = (group["data"][()], group["indices"][()], group["indptr"][()])
        counts = sparse.csc_matrix(parts, shape=(genes, cells)).T.tocsr()
        if "features" in group:
            features = group["features"]
            names = {"gene_id": "id", "symbol": "name", "kind": "feature_type"}
            columns = {ours: text(features[theirs]) for ours, theirs in names.items()}
        else:
            columns = {"gene_id": text(group["genes"]), "symbol": text(group["gene_names"])}
            columns["kind"] = [GENES] * genes
        return assembled(counts, text(group["barcodes"]), pd.DataFrame(columns), kind)


def read_h5ad(path: Path, matrix: str, subset: str) -> ad.AnnData:
    """Counts and obs of an H5AD file.

    Parameters
    ----------
    matrix
        `X`, `raw` or `layers/<name>`.
    subset
        "" or `<obs column>=<value>`: the cells to keep.
    """
    data = ad.read_h5ad(path)
    if subset:
        column, _, value = subset.partition("=")
        if column not in data.obs:
            known = ", ".join(map(str, data.obs.columns)) or "none"
            raise InputProblems([Problem(str(path), f"obs['{column}']", "no such column", f"use one of: {known}")])
        chosen = (data.obs[column].astype(str) == value).to_numpy()
        if not chosen.any():
            known = ", ".join(sorted(data.obs[column].astype(str).unique())[:20])
            raise InputProblems(
                [Problem(str(path), f"obs['{column}']", f"no cell has '{value}'", f"use one of: {known}")]
            )
        data = data[chosen]
    source = data.raw if matrix == "raw" else data
    if source is None or (matrix.startswith("layers/") and matrix.removeprefix("layers/") not in data.layers):
        known = ", ".join(
            ["X", *(["raw"] if data.raw is not None else []), *(f"layers/{name}" for name in data.layers)]
        )
        remedy = f"set `input.h5ad_matrix` to one of: {known}"
        raise InputProblems([Problem(str(path), matrix, "the file holds no such matrix", remedy)])
    values = data.layers[matrix.removeprefix("layers/")] if matrix.startswith("layers/") else source.X
    names = [str(name) for name in source.var_names]
    ids = next((source.var[name] for name in ("gene_ids", "gene_id") if name in source.var), names)
    if names and sum(name.startswith("ENS") and name[-11:].isdigit() for name in names) > len(names) / 2:
        names = next(([str(x) for x in source.var[name]] for name in SYMBOL_COLUMNS if name in source.var), names)
    table = pd.DataFrame({"gene_id": list(map(str, ids)), "symbol": names, "kind": GENES})
    result = assembled(sparse.csr_matrix(values), [str(name) for name in data.obs_names], table)
    result.obs = data.obs.copy()
    return result


def read_table(path: Path) -> ad.AnnData:
    """A text table with genes in rows and cells in columns, the first column holding the genes' names."""
    separator = "," if ".csv" in path.suffixes else "\t"
    frame = pd.read_csv(path, sep=separator, index_col=0)
    names = [str(name) for name in frame.index]
    table = pd.DataFrame({"gene_id": names, "symbol": names, "kind": GENES})
    counts = sparse.csr_matrix(frame.to_numpy(dtype=np.float64).T)
    return assembled(counts, [str(name) for name in frame.columns], table)


def assembled(counts: sparse.csr_matrix, barcodes: list[str], features: pd.DataFrame, kind: str = GENES) -> ad.AnnData:
    """Cells x features of `kind` with unique names; a symbol that occurs again gets its identifier appended."""
    wanted = (features["kind"] == kind).to_numpy()
    features = features[wanted].reset_index(drop=True)
    repeated = features["symbol"].duplicated()
    names = features["symbol"].where(~repeated, features["symbol"] + "_" + features["gene_id"])
    counts = sparse.csr_matrix(counts if wanted.all() else counts[:, np.flatnonzero(wanted)])
    counts.sort_indices()
    var = pd.DataFrame({"gene_id": features["gene_id"].to_numpy()}, index=pd.Index(names.to_numpy(), dtype=object))
    data = ad.AnnData(X=counts, obs=pd.DataFrame(index=pd.Index(barcodes, dtype=object)), var=var)
    if not data.var_names.is_unique:
        data.var_names_make_unique()
    return data


def content_problems(data: ad.AnnData, path: Path, input_state: str, *, handed_on: bool = False) -> list[Problem]:
    """What only reading the whole matrix can show: repeated barcodes, no symbols, values that are no counts."""
    file, problems = str(path), []
    if 0 in data.shape and not handed_on:
        problems.append(
            Problem(file, "", f"has {data.n_obs} cells and {data.n_vars} genes", "give a matrix with cells")
        )
    repeated = data.obs_names[data.obs_names.duplicated()]
    if len(repeated):
        found = f"{len(repeated)} repeated, first '{repeated[0]}'"
        problems.append(Problem(file, "barcodes", found, "give each sample its own file, or make barcodes unique"))
    unnamed = int((data.var_names.str.strip() == "").sum() + data.var_names.str.startswith("_").sum())
    if unnamed:
        remedy = (
            "fill the symbol column (column 2 of features.tsv); markers and mitochondrial genes are found by symbol"
        )
        problems.append(Problem(file, "gene symbols", f"{unnamed} of {data.n_vars} genes have none", remedy))
    values = data.X.data
    if not np.isfinite(values).all():
        problems.append(Problem(file, "values", "hold NaN or infinity", "export the raw counts again"))
    elif values.size and values.min() < 0:
        problems.append(
            Problem(file, "values", f"hold negative numbers ({values.min():.3g})", "give raw counts, not scaled data")
        )
    elif input_state == "counts" and (values % 1 != 0).any():
        example = values[values % 1 != 0][0]
        remedy = "give raw counts, or set `input.state: lognormalised` or `input.h5ad_matrix`"
        problems.append(Problem(file, "values", f"are not whole numbers (e.g. {example:.3g})", remedy))
    elif input_state == "counts" and data.n_obs >= CELLS_FOR_TOTALS:
        totals = np.asarray(data.X.sum(axis=1), dtype=np.float64).ravel()
        if totals.std() < EQUAL_TOTALS * totals.mean():
            found = f"add up to the same total in every cell ({totals.mean():.0f}): they are normalised and rounded"
            problems.append(Problem(file, "values", found, "give raw counts"))
    return problems


def read_cells(
    path: str | Path, matrix: str = "X", subset: str = "", input_state: str = "counts", *, handed_on: bool = False
) -> ad.AnnData:
    """Read one sample.

    Parameters
    ----------
    handed_on
        Whether a step wrote the file, so that it may hold no cells: those of a sample in quarantine.

    Returns
    -------
    anndata.AnnData
        Cells x genes, CSR float32 in X; var index symbols, var["gene_id"]; obs only from H5AD files.

    Raises
    ------
    InputProblems
        The file is missing, damaged, inconsistent, or holds something else than `input_state` says.
    """
    path = Path(path)
    kind = format_of(path)
    if not path.exists() or not kind:
        found = "has an unknown format" if path.exists() else "does not exist"
        raise InputProblems([Problem(str(path), "", found, "give a 10x folder, .h5, .h5ad, .csv[.gz] or .tsv[.gz]")])
    with named_errors(path):
        if kind == "mtx":
            data = read_mtx(path)
        elif kind == "h5":
            data = read_h5(path)
        elif kind == "h5ad":
            data = read_h5ad(path, matrix, subset)
        else:
            data = read_table(path)
        problems = content_problems(data, path, input_state, handed_on=handed_on)
    if problems:
        raise InputProblems(problems)
    data.X = sparse.csr_matrix(data.X, dtype=np.float32)
    return data


def read_obs(path: Path, subset: str = "") -> pd.DataFrame:
    """The obs table of an H5AD file without its counts, index barcodes; see `read_h5ad` for `subset`."""
    with named_errors(path):
        obs: pd.DataFrame = ad.read_h5ad(path, backed="r").obs
    if subset:
        column, _, value = subset.partition("=")
        obs = obs[obs[column].astype(str) == value]
    return obs
