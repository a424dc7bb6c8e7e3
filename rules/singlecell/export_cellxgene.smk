"""The annotated cells in the form of the CELLxGENE schema; only where the config asks for it (`cellxgene`).

Inputs:  cells.h5ad of `annotate_cells`, the marker table, a table of terms per sample, a table of genes
Outputs: <results>/cells.cellxgene.h5ad
"""


rule export_cellxgene:
    """Ontology terms of the study and of the types, Ensembl identifiers, counts in raw.X."""
    input:
        cells="<results>/cells.h5ad",
        markers=MARKER_TABLE,
        tables=[located(config["cellxgene"][key]) for key in ("table", "genes") if config["cellxgene"][key]],
    output:
        exported="<results>/cells.cellxgene.h5ad",
    log:
        "<logs>/export_cellxgene/cells.log",
    benchmark:
        "<benchmarks>/export_cellxgene/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        section=config["cellxgene"],
        library=library("singlecell/export_cellxgene"),
    script:
        "../../scripts/singlecell/export_cellxgene.py"
