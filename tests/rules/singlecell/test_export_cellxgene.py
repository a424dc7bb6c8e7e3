"""export_cellxgene: what the schema's text demands, wrong terms and symbols without identifiers are refused."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import yaml

from kimedlib.singlecell_cellxgene import ensembl_ids, gene_list_problems, request_problems

REPOSITORY = Path(__file__).resolve().parents[3]
SECTION = yaml.safe_load((REPOSITORY / "config/cellxgene/singlecell.yaml").read_text())["cellxgene"]


@pytest.fixture(scope="module")
def exported(study, step, tmp_path_factory):
    """The study's cells with identifiers of real genes, given by symbol or in place of made-up ones."""
    folder = tmp_path_factory.mktemp("cellxgene")
    names = ad.read_h5ad(study.folder / "cells.h5ad", backed="r").var_names
    genes = [f"ENSG{number:011d},{name}" for number, name in enumerate(names[:-5])]
    (folder / "genes.csv").write_text("\n".join([*genes, "ENSG00000099999,TWICE", "ENSG00000099998,TWICE"]) + "\n")
    samples = [row["sample"] for row in study.sheet]
    lines = ["sample\tsex_ontology_term_id", *(f"{name}\tPATO:0000383" for name in samples[:2])]
    (folder / "terms.tsv").write_text("\n".join(lines) + "\n")
    section = SECTION | {"genes": str(folder / "genes.csv"), "table": str(folder / "terms.tsv")}
    for name in ("one", "two"):
        step("singlecell/export_cellxgene").main(
            cells=study.folder / "cells.h5ad", markers=str(study.markers), exported=folder / f"{name}.h5ad",
            section=section,
        )  # fmt: skip
    return folder


def test_file_follows_the_text_of_the_schema(study, exported):
    data, source = ad.read_h5ad(exported / "one.h5ad"), ad.read_h5ad(study.folder / "cells.h5ad")
    assert data.var_names.str.fullmatch(r"ENSG\d{11}").all() and data.var_names.is_unique
    assert list(data.var_names) == list(data.raw.var_names) and len(data.var_names) == source.n_vars - 5
    assert data.raw.X.dtype == np.float32 and "feature_is_filtered" not in data.raw.var
    assert data.var["feature_is_filtered"].dtype == bool and not data.var["feature_is_filtered"].any()
    assert np.array_equal(data.raw.X.toarray(), source.layers["counts"].toarray()[:, :-5])
    assert np.array_equal(data.X.toarray(), source.X.toarray()[:, :-5])
    assert data.uns["organism_ontology_term_id"] == "NCBITaxon:9606" and data.uns["default_embedding"] in data.obsm
    assert not set(data.obs) & {"cell_type", "organism", "assay", "patient_id"}
    assert data.obs["is_primary_data"].dtype == bool
    donors = source.obs["patient_id"].astype(str)
    assert (data.obs["donor_id"].astype(str) == donors).all()
    sexes = data.obs.groupby("sample", observed=True)["sex_ontology_term_id"].agg(set)
    assert sexes["s0"] == {"PATO:0000383"} and sexes["s5"] == {"unknown"}
    # Terms of the Cell Ontology: natural killer cell, B cell; unassigned cells are unknown.
    terms = data.obs["cell_type_ontology_term_id"].astype(str)
    assert set(terms[data.obs["author_cell_type"] == "NK"]) == {"CL:0000623"}
    assert set(terms[data.obs["author_cell_type"] == "B"]) == {"CL:0000236"}
    assert set(terms[data.obs["author_cell_type"] == "unassigned"]) <= {"unknown"}
    assert (exported / "one.h5ad").read_bytes() == (exported / "two.h5ad").read_bytes()


def test_identifiers():
    var = pd.DataFrame(
        {"gene_id": ["ENSG00000000001.4", "ENSG00000000001", "CD3D", "ENSMUSG00000000001"]},
        index=["A", "B", "CD3D", "m"],
    )
    assert list(ensembl_ids(var, "NCBITaxon:9606", "")) == ["ENSG00000000001", "", "", ""]
    assert list(ensembl_ids(var, "NCBITaxon:10090", "")) == ["", "", "", "ENSMUSG00000000001"]


def settings(**changed):
    return {"cellxgene": SECTION | changed, "input": {"state": "counts"}}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"assay_ontology_term_id": "10x"}, "'10x' of sample 's0'"),
        ({"tissue_type": "cell line"}, "give `na` for cell lines"),
        ({"organism_ontology_term_id": "NCBITaxon:10090"}, "give `na` for animals"),
        ({"table": "absent.tsv"}, "'absent.tsv' does not exist"),
    ],
)
def test_wrong_terms_are_refused(changed, said):
    problems = request_problems(settings(**changed), ["s0"])
    assert problems and any(said in str(problem) for problem in problems)
    assert not request_problems(settings(), ["s0"])


def test_wrong_tables_are_refused(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text("sample\tsex_ontology_term_id\tage\ns0\tfemale\t3\ns9\tunknown\t4\n")
    said = " ".join(str(problem) for problem in request_problems(settings(table=str(path)), ["s0"]))
    assert "column age" in said and "sample s9" in said and "'female' of sample 's0'" in said
    path.write_text("name\tsex\ns0\tfemale\n")
    assert "give tab-separated text" in str(request_problems(settings(table=str(path)), ["s0"])[0])


def test_symbols_without_identifiers_are_refused(monkeypatch):
    names = {"x.h5": pd.DataFrame({"gene_id": ["CD3D", "CD4"]}, index=["CD3D", "CD4"])}
    assert "0% of the genes have an Ensembl identifier" in str(gene_list_problems(SECTION, names)[0])
    assert "cannot be read" in str(gene_list_problems(SECTION | {"genes": "absent.csv"}, names)[0])
    monkeypatch.setenv("PATH", "")
    assert "no cellxgene-schema on PATH" in str(request_problems(settings(validate=True), ["s0"])[0])
