"""Cells as the CELLxGENE schema wants them: ontology terms per cell, Ensembl identifiers, raw counts beside X.

Schema 7.1.0: github.com/chanzuckerberg/single-cell-curation, schema/.
"""

import csv
import gzip
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kimedlib.cells_reading import UNREADABLE, located
from kimedlib.problems import Problem

# Fields of each cell that the study says, not the counts.
TERMS = {
    "assay_ontology_term_id": r"EFO:\d{7}",
    "development_stage_ontology_term_id": r"(HsapDv|MmusDv):\d{7}|unknown|na",
    "disease_ontology_term_id": r"PATO:0000461|MONDO:\d{7}( \|\| MONDO:\d{7})*",
    "self_reported_ethnicity_ontology_term_id": r"(HANCESTRO|AfPO):\d+( \|\| (HANCESTRO|AfPO):\d+)*|unknown|na",
    "sex_ontology_term_id": r"PATO:\d{7}|unknown|na",
    "tissue_ontology_term_id": r"UBERON:\d{7}|CL:\d{7}|CVCL_\w+",
    "tissue_type": r"tissue|organoid|primary cell culture|cell line",
    "suspension_type": r"cell|nucleus|na",
}
# Of cell lines nobody asks these.
NOT_OF_LINES = (
    "development_stage_ontology_term_id",
    "self_reported_ethnicity_ontology_term_id",
    "sex_ontology_term_id",
)
HUMAN = "NCBITaxon:9606"
ORGANISMS = {HUMAN: r"ENSG\d{11}", "NCBITaxon:10090": r"ENSMUSG\d{11}"}
# Below this share of genes with identifiers the file would not be the study any more.
LEAST_GENES = 0.5
# Names that the schema keeps for itself or that say the same as one of its own.
REPLACED = {"patient_id", "cell_type", "barcode", "organism", "ethnicity", "observation_joinid", "assay", "disease"}
REPLACED |= {"sex", "tissue", "self_reported_ethnicity", "development_stage"}


def known_genes(path: str) -> tuple[set[str], dict[str, str]]:
    """Identifiers in a table `identifier,symbol,...` (no heading), and the identifier of each unambiguous symbol."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(located(path), "rt", encoding="utf-8", newline="") as text:
        rows = [row for row in csv.reader(text, delimiter="\t" if ".tsv" in path else ",") if len(row) > 1]
    often = Counter(row[1] for row in rows)
    return {row[0] for row in rows}, {row[1]: row[0] for row in rows if often[row[1]] == 1}


def ensembl_ids(var: pd.DataFrame, organism: str, genes: str) -> pd.Series:
    """Ensembl identifier of each gene without version; "" where there is none, it stands twice or is not in `genes`.

    Parameters
    ----------
    var
        Index symbols; column `gene_id`.
    genes
        Table for `known_genes`; "" for none: then all identifiers of the organism's form are taken.
    """
    ids = var["gene_id"].astype(str).str.replace(r"\.\d+$", "", regex=True)
    ids = ids.where(ids.str.fullmatch(ORGANISMS[organism]), "")
    if genes:
        known, by_symbol = known_genes(genes)
        ids = ids.where(ids != "", pd.Series(var.index.astype(str), index=var.index).map(by_symbol).fillna(""))
        ids = ids.where(ids.isin(known), "")
    result: pd.Series = ids.where(~ids.duplicated(), "")
    return result


def ontology_of(markers: str) -> dict[str, str]:
    """Cell Ontology term of each type of a marker table (its key `cell_ontology`)."""
    table = yaml.safe_load(Path(markers).read_text(encoding="utf-8")) if markers else {}
    return {str(name): str(term) for name, term in (table.get("cell_ontology") or {}).items()}


def sample_terms(section: dict[str, Any], samples: list[str]) -> pd.DataFrame:
    """The study's terms of each sample, (samples, TERMS); the table `section["table"]` goes before the section.

    Raises
    ------
    KeyError
        The table has no column `sample`.
    """
    terms = pd.DataFrame({name: section[name] for name in TERMS}, index=pd.Index(samples, name="sample"))
    if section["table"]:
        table = pd.read_csv(section["table"], sep="\t", dtype=str, keep_default_na=False).set_index("sample")
        for name in [name for name in TERMS if name in table]:
            said = table[name].reindex(terms.index).fillna("")
            terms[name] = said.where(said != "", terms[name])
    return terms


def term_problems(terms: pd.DataFrame, organism: str, place: str) -> list[Problem]:
    """Terms of a wrong form, or that contradict each other; the schema's validator knows more."""
    problems = []
    for sample, row in terms.iterrows():
        for name, pattern in TERMS.items():
            line, of_animal = row["tissue_type"] == "cell line", organism != HUMAN and "ethnicity" in name
            if not re.fullmatch(pattern, str(row[name])):
                remedy = f"give a term of the form {pattern}"
            elif (
                name in NOT_OF_LINES and line != (row[name] == "na") and (organism == HUMAN or "ethnicity" not in name)
            ):
                remedy = "give `na` for cell lines, a term or `unknown` for others"
            elif of_animal and row[name] != "na":
                remedy = "give `na` for animals"
            else:
                continue
            problems.append(Problem(place, f"cellxgene.{name}", f"'{row[name]}' of sample '{sample}'", remedy))
    return problems


def request_problems(settings: dict[str, Any], samples: list[str]) -> list[Problem]:
    """What is wrong with the section `cellxgene`, apart from the genes of the samples."""
    section, problems = settings["cellxgene"], []
    if settings["input"]["state"] != "counts":
        problems.append(Problem("config", "key cellxgene", "the schema wants raw counts", "leave the section out"))
    if section["validate"] and shutil.which("cellxgene-schema") is None:
        remedy = (
            "install cellxgene-schema into an environment of its own and put its command on PATH, or set it to false"
        )
        problems.append(Problem("config", "key cellxgene.validate", "there is no cellxgene-schema on PATH", remedy))
    path = section["table"]
    if path and not Path(path).is_file():
        return [*problems, Problem("config", "key cellxgene.table", f"'{path}' does not exist", "correct the path")]
    try:
        terms = sample_terms(section, samples)
        table = pd.read_csv(path, sep="\t", dtype=str) if path else pd.DataFrame({"sample": samples})
    except UNREADABLE as error:
        found = f"cannot be read ({type(error).__name__}: {str(error)[:120]})"
        remedy = "give tab-separated text with one line per sample: `sample` and columns named like the keys"
        return [*problems, Problem(path, "", found, remedy)]
    strange = [f"column {name}" for name in table.columns if name not in {*TERMS, "sample"}]
    strange += [f"sample {name}" for name in table["sample"] if name not in samples]
    problems += [Problem(path, place, "is no field of the schema, or no sample", "remove it") for place in strange]
    return problems + term_problems(terms, section["organism_ontology_term_id"], path or "config")


def gene_list_problems(section: dict[str, Any], names: dict[str, pd.DataFrame]) -> list[Problem]:
    """Files whose genes have no Ensembl identifiers, and a list of genes that cannot be read.

    Parameters
    ----------
    names
        Per file: index symbols, column `gene_id`.
    """
    try:
        organism, genes = section["organism_ontology_term_id"], section["genes"]
        shares = {file: float((ensembl_ids(var, organism, genes) != "").mean()) for file, var in names.items()}
    except UNREADABLE as error:
        found = f"cannot be read ({type(error).__name__}: {str(error)[:120]})"
        return [Problem("config", "key cellxgene.genes", found, "give a table of identifier and symbol")]
    remedy = "give files with Ensembl identifiers (10x output, or var column gene_ids), or name a table of "
    remedy += "identifiers and symbols in `cellxgene.genes`, or leave out `cellxgene`"
    return [
        Problem(file, "gene identifiers", f"{share:.0%} of the genes have an Ensembl identifier of {organism}", remedy)
        for file, share in shares.items()
        if share < LEAST_GENES
    ]


def described_cells(obs: pd.DataFrame, terms: pd.DataFrame, ontology: dict[str, str], *, primary: bool) -> pd.DataFrame:
    """Table of cells with the schema's columns; our own ones stay, except those that say the same.

    Types without a term in `ontology`, and unassigned cells, are `unknown`; our names are in `author_cell_type`.
    """
    found = obs.drop(columns=[name for name in REPLACED if name in obs]).copy()
    sample = obs["sample"].astype(str)
    for name in TERMS:
        found[name] = pd.Categorical(sample.map(terms[name]))
    types = obs["cell_type"].astype(str)
    found["cell_type_ontology_term_id"] = pd.Categorical(types.map(ontology).fillna("unknown"))
    found["author_cell_type"] = pd.Categorical(types)
    found["donor_id"] = pd.Categorical(obs["patient_id"].astype(str))
    found["is_primary_data"] = primary
    for name in found.columns:
        if isinstance(found[name].dtype, pd.CategoricalDtype):
            found[name] = found[name].cat.remove_unused_categories()
        elif found[name].dtype == object:
            found[name] = pd.Categorical(found[name].astype(str))
    return found
