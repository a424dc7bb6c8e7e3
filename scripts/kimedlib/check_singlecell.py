"""Checks of a single-cell sample sheet's files that cost little and are made before any job starts."""

import gzip
import logging
import zlib
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
import yaml

from kimedlib import check_singlecell_droplets
from kimedlib.cells_reading import UNREADABLE, format_of, located, matrix_files, read_lines
from kimedlib.check_genes import Names, gene_problems, glance, names_of, protein_problems, shared_problems
from kimedlib.check_singlecell_scvi import scvi_problems
from kimedlib.problems import InputProblems, Problem
from kimedlib.sheet import numbered
from kimedlib.singlecell_annotation import marker_types
from kimedlib.singlecell_cellxgene import gene_list_problems, request_problems
from kimedlib.singlecell_cycle import cycle_problems
from kimedlib.singlecell_design import caution, confounded

# Larger gzip files are read to the end by the job only.
WHOLE_FILE_BYTES = 30_000_000
# Files of the analyses on request: section and key of the config.
REQUESTED = (
    ("transfer", "reference"),
    ("transfer", "label_table"),
    ("celltypist", "model"),
    ("activity", "sets"),
    ("cell_cycle", "genes"),
    ("proteins", "gates"),
    ("communication", "pairs"),
)
READS = ("reads1", "reads2", "chemistry")
COPY_AGAIN = "copy or export it again"


def has_truth(frame: pd.DataFrame, settings: dict[str, Any]) -> bool:
    """Whether labels are given, so that scores can be computed."""
    names = settings["labels"]
    return bool((frame["labels"] != "").any() or names["obs_column"] or names["doublet_obs_column"])


def counts_of(row: dict[str, Any]) -> str:
    """Where the counts of a line of the sheet are, or will be if it gives reads."""
    return f"<results>/counts/{row['sample']}.h5" if row.get("reads1") else located(row["counts"])


def gzip_problems(path: Path) -> list[Problem]:
    """A gzip file that is empty, truncated or damaged."""
    if path.stat().st_size == 0:
        return [Problem(str(path), "", "is empty", COPY_AGAIN)]
    if path.suffix != ".gz":
        return []
    try:
        with gzip.open(path) as handle:
            while handle.read(1 << 20) and path.stat().st_size <= WHOLE_FILE_BYTES:
                pass
    except (OSError, EOFError, zlib.error) as error:
        return [Problem(str(path), "", f"is truncated or no gzip file ({error})", COPY_AGAIN)]
    return []


def mtx_problems(folder: Path) -> list[Problem]:
    """Absent, damaged or disagreeing files of a 10x folder."""
    files = matrix_files(folder)
    problems = [
        Problem(str(folder), role, f"no {role} file in the folder", "copy the whole 10x folder")
        for role in ("matrix", "features", "barcodes")
        if role not in files
    ]
    both = [
        name for name in ("genes.tsv", "features.tsv") for end in ("", ".gz") if (folder / f"{name}{end}").is_file()
    ]
    if len(set(both)) > 1:
        found = "holds genes.tsv (Cell Ranger 2) and features.tsv (3 and later): it is not clear which belongs"
        problems.append(Problem(str(folder), "features", found, "keep the files of one version only"))
    problems += [problem for path in files.values() for problem in gzip_problems(path)]
    if problems:
        return problems
    opener = gzip.open if files["matrix"].suffix == ".gz" else open
    with opener(files["matrix"], "rt", encoding="utf-8", errors="replace") as handle:
        head = handle.readline()
        sizes = next((line.split() for line in handle if not line.startswith("%")), [])
    if not head.startswith("%%MatrixMarket") or len(sizes) != 3 or not all(size.isdigit() for size in sizes):
        return [Problem(str(files["matrix"]), "line 1", "is no MatrixMarket coordinate file", COPY_AGAIN)]
    for role, size in zip(("features", "barcodes"), sizes[:2], strict=True):
        lines = read_lines(files[role])
        if len(lines) != int(size):
            found = f"has {len(lines)} lines, {files['matrix'].name} has {size} {role}"
            remedy = "the files belong to different matrices; copy them again"
            problems.append(Problem(str(files[role]), "", found, remedy))
        names = [line[0] for line in lines]
        if role == "barcodes" and len(set(names)) < len(names):
            found = f"barcode '{pd.Series(names)[pd.Series(names).duplicated()].iloc[0]}' stands twice"
            problems.append(Problem(str(files[role]), "", found, "give each sample its own folder"))
        nameless = sum(len(line) > 1 and not line[1].strip() for line in lines) if role == "features" else 0
        if nameless:
            found = f"{nameless} genes have no symbol"
            problems.append(Problem(str(files[role]), "column 2", found, "fill in the gene symbols"))
    if int(sizes[1]) == 0 or int(sizes[2]) == 0:
        problems.append(Problem(str(files["matrix"]), "", "holds no cells or no counts", "give a matrix with cells"))
    return problems


def obs_columns(handle: h5py.File) -> set[str]:
    """Names of obs columns; AnnData files before version 0.7 keep obs as one compound dataset."""
    if "obs" not in handle:
        return set()
    obs = handle["obs"]
    return (
        set(obs.dtype.names or ()) if isinstance(obs, h5py.Dataset) else set(obs) - {"_index", "__categories", "index"}
    )


def h5ad_problems(handle: h5py.File, row: dict[str, str], place: str, settings: dict[str, Any]) -> list[Problem]:
    """Absent obs columns and matrices that the sheet or the config names."""
    file, known = handle.filename, obs_columns(handle)
    wanted = {f"sheet, {place}, column subset": row["subset"].partition("=")[0]}
    if not row["labels"]:
        wanted |= {f"config, labels.{key}": settings["labels"][key] for key in ("obs_column", "doublet_obs_column")}
    remedy = f"use one of: {', '.join(sorted(known)) or 'none'}"
    problems = [
        Problem(file, f"obs['{name}']", f"no such column (named in {source})", remedy)
        for source, name in wanted.items()
        if name and name not in known
    ]
    matrix = settings["input"]["h5ad_matrix"]
    places = ("raw/X", "raw.X") if matrix == "raw" else (matrix,)
    if not any(name in handle for name in places):
        problems.append(Problem(file, matrix, "the file holds no such matrix", "set `input.h5ad_matrix` in the config"))
    return problems


def hdf5_problems(path: Path, row: dict[str, str], place: str, settings: dict[str, Any]) -> list[Problem]:
    """A truncated or foreign HDF5 file, or one without what is needed."""
    try:
        with h5py.File(path, "r") as handle:
            if path.name.endswith(".h5ad"):
                return h5ad_problems(handle, row, place, settings)
            groups = [handle[name] for name in handle if isinstance(handle[name], h5py.Group)]
            if "matrix" not in handle and not any("gene_names" in group for group in groups):
                found = "has no group `matrix`: not a 10x H5 file"
                return [Problem(str(path), "", found, "give Cell Ranger's *_feature_bc_matrix.h5")]
            if "matrix" not in handle and len(groups) > 1:
                found = f"holds matrices of several genomes ({', '.join(sorted(handle))})"
                return [Problem(str(path), "", found, "keep the cells and genes of one species")]
    except OSError as error:
        return [Problem(str(path), "", f"is truncated or no HDF5 file ({str(error)[:120]})", COPY_AGAIN)]
    return []


def row_problems(row: dict[str, str], place: str, sheet: str, settings: dict[str, Any]) -> list[Problem]:
    """What is wrong with the files of one line of the sheet."""
    try:
        path = Path(located(row["counts"]))
    except InputProblems as error:
        return error.problems
    problems = []
    kind = format_of(path)
    if not path.exists():
        problems.append(Problem(sheet, f"{place}, column counts", f"'{path}' does not exist", "correct the path"))
    elif not kind:
        found, remedy = f"'{path}' has an unknown format", "give a 10x folder, .h5, .h5ad, .csv or .tsv"
        problems.append(Problem(sheet, f"{place}, column counts", found, remedy))
    elif kind == "mtx":
        problems += mtx_problems(path)
    elif path.stat().st_size == 0:
        problems.append(Problem(str(path), "", "is empty", COPY_AGAIN))
    elif kind in ("h5", "h5ad"):
        problems += hdf5_problems(path, row, place, settings)
    else:
        problems += gzip_problems(path)
    if row["subset"] and kind not in ("h5ad", ""):
        problems.append(Problem(sheet, f"{place}, column subset", "only H5AD files have obs columns", "leave it empty"))
    return problems


def settings_problems(settings: dict[str, Any]) -> list[Problem]:
    """Sections of the config that do not go together, and files they name that are not there."""
    tables = {"gene_sets": settings["gene_sets"], "annotation.markers": settings["annotation"]["markers"]}
    tables |= {f"{section}.{key}": settings[section][key] for section, key in REQUESTED if section in settings}
    problems = [
        Problem("config", f"key {key}", f"'{path}' does not exist", "correct the path")
        for key, path in tables.items()
        if path and not Path(path).is_file()
    ]
    if settings["input"]["state"] != "counts" and settings["embedding"]["normalisation"] == "pearson":
        remedy = "use log1p, or give raw counts"
        problems.append(Problem("config", "key embedding.normalisation", "pearson needs raw counts", remedy))
    return problems + check_singlecell_droplets.settings_problems(settings)


def label_problems(row: dict[str, str], place: str, sheet: str) -> list[Problem]:
    """A table of labels that is not there."""
    if not row["labels"] or Path(row["labels"]).is_file():
        return []
    found = f"'{row['labels']}' does not exist"
    return [Problem(sheet, f"{place}, column labels", found, "correct the path or leave it empty")]


def markers_of(settings: dict[str, Any]) -> set[str]:
    """Genes of the marker table; empty where there is none or it is wrong, which others report."""
    path = settings["annotation"]["markers"]
    if not path or not Path(path).is_file():
        return set()
    try:
        types = marker_types(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        return {gene for entry in types.values() for gene in entry["present"]}
    except (*UNREADABLE, TypeError, AttributeError, yaml.YAMLError):
        return set()


def name_problems(frame: pd.DataFrame, settings: dict[str, Any]) -> list[Problem]:
    """What names and first values show, for files without other problems."""
    problems: list[Problem] = []
    samples: dict[str, Names] = {}
    markers, matrix = markers_of(settings), settings["input"]["h5ad_matrix"]
    for counts in dict.fromkeys(frame["counts"].astype(str)):
        path = Path(located(counts))
        kind = format_of(path)
        if kind == "table" and path.stat().st_size > WHOLE_FILE_BYTES:
            continue
        try:
            if kind in ("h5", "h5ad") and settings["input"]["state"] == "counts":
                problems += glance(path, kind, matrix)
            if "proteins" in settings:
                problems += protein_problems(path, kind)
            for subset in dict.fromkeys(frame.loc[frame["counts"] == counts, "subset"].astype(str)):
                problems += check_singlecell_droplets.matrix_problems(path, subset, settings)
            samples[str(path)] = names_of(path, kind, matrix)
        except (*UNREADABLE, IndexError, AttributeError) as error:
            found = f"names of genes or cells cannot be read ({type(error).__name__}: {str(error)[:120]})"
            problems.append(Problem(str(path), "", found, COPY_AGAIN))
            continue
        problems += gene_problems(samples[str(path)], str(path), markers)
    if "cellxgene" in settings:
        tables = {file: pd.DataFrame({"gene_id": list(part.ids)}, index=part.symbols) for file, part in samples.items()}
        problems += gene_list_problems(settings["cellxgene"], tables)
    if "cell_cycle" in settings:
        common = settings["input"]["genes"] == "intersection"
        problems += cycle_problems(settings["cell_cycle"], [set(p.symbols) for p in samples.values()] if common else [])
    return problems or shared_problems(samples)


def check_files(frame: pd.DataFrame, sheet: str | Path, settings: dict[str, Any], conda: bool = False) -> list[Problem]:
    """Everything wrong with the files that the sheet and the config name.

    Parameters
    ----------
    frame
        The sheet, one row per sample; see config/schemas/singlecell.samples.schema.yaml.
    settings
        The whole config.
    conda
        Whether programmes come from conda and need not be here.

    Returns
    -------
    list[Problem]
        In the order of the sheet. What allows a run but limits it (a condition with one donor) is only logged.
    """
    problems: list[Problem] = []
    sound, sequenced = [], []
    for number, record in numbered(frame):
        row = {str(key): str(value) for key, value in record.items()}
        problems += label_problems(row, f"line {number}", str(sheet))
        if not row["counts"] or any(row.get(column) for column in READS):
            sequenced.append((number, row))
            sound.append(False)
            continue
        problems_here = row_problems(row, f"line {number}", str(sheet), settings)
        problems += problems_here
        sound.append(not problems_here)
    if sequenced or "reads" in settings:
        from kimedlib.check_singlecell_reads import check_reads  # here: few sheets have reads

        problems += check_reads(sequenced, str(sheet), settings.get("reads", {}), conda)
    problems += name_problems(frame.loc[sound], settings)
    problems += settings_problems(settings)
    problems += scvi_problems(settings, frame, conda)
    if "cellxgene" in settings:
        problems += request_problems(settings, sorted(frame["sample"].astype(str)))
    comparison = settings["comparison"]
    for role in ("reference", "contrast"):
        donors = frame.loc[frame["condition"] == comparison[role], "patient_id"].nunique()
        if donors < comparison["minimum_donors"]:
            # Snakemake prints a message as it is and drops its arguments.
            logging.getLogger("snakemake.logging").warning(
                f"{sheet}: condition '{comparison[role]}' has {donors} donor(s), {comparison['minimum_donors']} are "
                "needed: composition and expression will not be compared"
            )
    if reason := confounded(frame, comparison["reference"], comparison["contrast"]):
        logging.getLogger("snakemake.logging").warning(
            f"{sheet}, columns condition and batch: {reason}; composition and expression will not be compared"
        )
    elif said := caution(frame, comparison["reference"], comparison["contrast"]):
        logging.getLogger("snakemake.logging").warning(f"{sheet}, columns patient_id, condition and batch: {said}")
    return problems
