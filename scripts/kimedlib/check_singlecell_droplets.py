"""Checks of the sections `droplets`, `ambient` and `quality` before any job: settings, profiles, filtered matrices."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimedlib.cells_reading import PROTEINS, UNREADABLE, format_of, matrix_files, read_mtx
from kimedlib.problems import Problem

# Fewer empty droplets say too little about what they hold.
LEAST_EMPTY = 50
# Larger matrices in text are read by the job only.
TEXT_BYTES = 5_000_000
# How far shares of a profile may add up beside 1.
SUM = 0.01
UNFILTERED = "give the unfiltered matrix (raw_feature_bc_matrix), or leave out `droplets` for filtered ones"


def too_few_empty(empty: int | str, barcodes: int, lower: int) -> str:
    """What is wrong with a matrix that has too few empty droplets."""
    return f"{empty} of {barcodes} barcodes have 1 to {lower} counts, {LEAST_EMPTY} are needed: it is filtered already"


def per_barcode(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Entries of each row of a sparse matrix from where its rows begin."""
    number: NDArray[np.int64] = np.diff(places).astype(np.int64)
    return number


def genes_per_barcode(path: Path, kind: str, matrix: str) -> NDArray[np.int64] | None:
    """Number of genes (of all features) that each barcode shows; None where that is not told without reading all.

    It is at most the number of counts.
    """
    if kind == "mtx":
        files = matrix_files(path)
        if files["matrix"].stat().st_size > TEXT_BYTES:
            return None
        return per_barcode(read_mtx(path).X.indptr)
    if kind not in ("h5", "h5ad"):
        return None
    with h5py.File(path, "r") as handle:
        if kind == "h5":
            group = handle["matrix"] if "matrix" in handle else handle[sorted(handle)[0]]
            types = group["features/feature_type"][()] if "features" in group else np.array([], dtype=bytes)
            if (types == PROTEINS.encode()).any():
                return None
            return per_barcode(group["indptr"][()])
        group = handle[{"raw": "raw/X"}.get(matrix, matrix)]
        layout = group.attrs.get("encoding-type", b"")
        return per_barcode(group["indptr"][()]) if layout in ("csr_matrix", b"csr_matrix") else None


def filtered_problems(path: Path, subset: str, settings: dict[str, Any]) -> list[Problem]:
    """A matrix that holds cells only, where `droplets` wants all barcodes.

    A barcode with 1 to `lower` counts shows 1 to `lower` genes: too few of these prove that too few are empty.
    """
    lower, kind = settings["droplets"]["lower"], format_of(path)
    genes = None if subset else genes_per_barcode(path, kind, settings["input"]["h5ad_matrix"])
    if genes is None or not (genes > lower).any():
        return []
    empty = int(((genes > 0) & (genes <= lower)).sum())
    if empty >= LEAST_EMPTY:
        return []
    return [Problem(str(path), "", too_few_empty(f"at most {empty}", len(genes), lower), UNFILTERED)]


def profile_problems(table: pd.DataFrame, path: str) -> list[Problem]:
    """A table of the ambient profile that is none."""
    if missing := {"gene", "share"} - set(table.columns):
        found = f"has no column {', '.join(sorted(missing))}"
        return [Problem(path, "header", found, "give a table with columns gene and share, separated by tabs")]
    shares = pd.to_numeric(table["share"], errors="coerce")
    if shares.isna().any():
        line = int(np.flatnonzero(shares.isna())[0])
        found = f"'{table['share'].iloc[line]}' is no number"
        return [Problem(path, f"line {line + 2}, column share", found, "give shares of 0 to 1 that add up to 1")]
    repeated = table["gene"][table["gene"].duplicated()]
    if len(repeated):
        found = f"gene '{repeated.iloc[0]}' stands twice ({len(repeated)} repeated in all)"
        return [Problem(path, "column gene", found, "add up or rename the repeated genes")]
    if shares.min() < 0 or abs(shares.sum() - 1) > SUM:
        found = f"shares add up to {shares.sum():.4g}, the least is {shares.min():.4g}"
        return [Problem(path, "column share", found, "give shares of 0 to 1 that add up to 1")]
    return []


def column_problems(path: Path, profile: str) -> list[Problem]:
    """An H5AD file without the column of `var` that holds the profile, or another file."""
    name, kind = profile.removeprefix("var/"), format_of(path)
    if kind != "h5ad":
        found = f"`ambient.profile` is {profile}, and only H5AD files have such columns"
        return [Problem(str(path), "", found, "set `ambient.profile` to a table with columns gene and share")]
    with h5py.File(path, "r") as handle:
        var = handle["var"]
        known = list(var.dtype.names) if isinstance(var, h5py.Dataset) else [key for key in var if key[:1] != "_"]
    if name in known:
        return []
    remedy = f"set `ambient.profile` to a table, or to var/ and one of: {', '.join(known) or 'none'}"
    return [Problem(str(path), profile, f"var has no column '{name}'", remedy)]


def settings_problems(settings: dict[str, Any]) -> list[Problem]:
    """Values of the three sections that do not go together, and profiles that cannot be used."""
    problems, quality = [], settings["quality"]
    floor, ceiling = (quality[f"mitochondrial_{name}_percent"] for name in ("floor", "ceiling"))
    if floor > ceiling:
        found = f"is {floor:g}, above mitochondrial_ceiling_percent ({ceiling:g})"
        problems.append(
            Problem("config", "key quality.mitochondrial_floor_percent", found, "give a floor below the ceiling")
        )
    profile = settings.get("ambient", {}).get("profile", "")
    if "droplets" in settings:
        asked = settings["droplets"]
        if (least := 1 / (asked["simulations"] + 1)) > asked["false_discovery_rate"]:
            found = f"is {asked['simulations']}: no p-value is below {least:.2g}, so no small cell can be called"
            remedy = f"give at least {int(1 / asked['false_discovery_rate'])}, or a higher false_discovery_rate"
            problems.append(Problem("config", "key droplets.simulations", found, remedy))
        if profile.startswith("var/"):
            remedy = "set it to droplets (what the empty droplets hold), or name a table"
            problems.append(Problem("config", "key ambient.profile", f"is {profile}, and droplets are called", remedy))
    if profile == "droplets" and "droplets" not in settings:
        found = "is droplets, but no droplets are called"
        remedy = "add the section `droplets` (unfiltered matrices), or name a table or var/<column>"
        problems.append(Problem("config", "key ambient.profile", found, remedy))
    if profile and profile != "droplets" and not profile.startswith("var/"):
        if not Path(profile).is_file():
            problems.append(Problem("config", "key ambient.profile", f"'{profile}' does not exist", "correct the path"))
        else:
            try:
                problems += profile_problems(pd.read_csv(profile, sep="\t", dtype={"gene": str}), profile)
            except UNREADABLE as error:
                found = f"cannot be read as a table ({type(error).__name__}: {str(error)[:120]})"
                problems.append(Problem(profile, "", found, "give a table with columns gene and share"))
    if settings["input"]["state"] != "counts":
        problems += [
            Problem("config", f"section {name}", "needs raw counts", f"leave out `{name}`, or give raw counts")
            for name in ("droplets", "ambient")
            if name in settings
        ]
    return problems


def matrix_problems(path: Path, subset: str, settings: dict[str, Any]) -> list[Problem]:
    """What is wrong with a sound file of counts for these sections."""
    problems, profile = [], settings.get("ambient", {}).get("profile", "")
    if "droplets" in settings:
        problems += filtered_problems(path, subset, settings)
    elif profile.startswith("var/"):
        problems += column_problems(path, profile)
    return problems
