"""Driver genes: which, in what role, by whose word; and whether a mutation fits that role."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

# Words of IntOGen's compendium (column ROLE) and ours
ROLES = {
    "act": "activating", "lof": "loss of function", "amb": "ambiguous",
    "activating": "activating", "loss of function": "loss of function", "ambiguous": "ambiguous",
}  # fmt: skip
COLUMNS = {"gene": ("gene", "SYMBOL"), "role": ("role", "ROLE"), "source": ("source", "CANCER_TYPE")}
TRUNCATING = {"frameshift", "stop_gained", "splice_acceptor", "splice_donor", "start_lost"}
CHANGING = {"missense", "inframe_deletion", "inframe_insertion", "inframe_altering"}


class Driver(NamedTuple):
    """A gene's role in cancer and where that is from."""

    role: str
    source: str


def read_drivers(path: Path | None, genes: Iterable[str]) -> dict[str, Driver]:
    """Driver genes of a table, and of the config's list (role unknown).

    The table is tab-separated with the columns gene, role and source, or IntOGen's Compendium_Cancer_Genes.tsv as it
    is. A gene of several lines has the roles of all; different ones make it ambiguous.

    Raises
    ------
    ValueError
        A column is missing or a role is unknown; names file, line and what is allowed.
    """
    found = {gene: Driver("", "config") for gene in genes}
    if path is None:
        return found
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    names = {key: next((one for one in either if one in table.columns), "") for key, either in COLUMNS.items()}
    for key, name in names.items():
        if not name:
            raise ValueError(f"{path}: no column {key} (or {COLUMNS[key][1]}); columns are gene, role and source")
    roles: dict[str, set[str]] = {}
    sources: dict[str, set[str]] = {}
    for number, row in enumerate(table.to_dict("records"), 2):
        role = ROLES.get(row[names["role"]].strip().lower())
        if role is None:
            allowed = ", ".join(sorted(set(ROLES.values())))
            raise ValueError(
                f"{path}: line {number}, column {names['role']}: '{row[names['role']]}' is not one of {allowed}"
            )
        roles.setdefault(row[names["gene"]], set()).add(role)
        sources.setdefault(row[names["gene"]], set()).add(row[names["source"]])
    for gene, several in roles.items():
        found[gene] = Driver(
            next(iter(several)) if len(several) == 1 else "ambiguous", ", ".join(sorted(sources[gene]))
        )
    return found


def fits(role: str, consequence: str) -> bool:
    """Whether a consequence does to the protein what the role asks: truncating for loss, changing for activating."""
    kinds = set(consequence.split("&"))
    if role == "loss of function":
        return bool(kinds & (TRUNCATING | CHANGING))
    if role == "activating":
        return bool(kinds & CHANGING)
    return bool(kinds & (TRUNCATING | CHANGING))
