"""Surface proteins of CITE-seq as second modality; only where the config asks for them (`proteins`).

Inputs:  cells.h5ad of `annotate_cells`, 10x folders or H5 files with "Antibody Capture" features, gates
Outputs: <results>/cells.h5mu, <results>/proteins.tsv, <results>/protein_agreement.tsv, <results>/figures/proteins.png
"""


rule add_proteins:
    """Centred log-ratios of proteins, and the annotation by RNA judged by what the proteins say."""
    input:
        cells="<results>/cells.h5ad",
        counts=sorted({row["counts"] for row in ROWS.values()}),
        gates=config["proteins"]["gates"],
    output:
        both="<results>/cells.h5mu",
        table="<results>/proteins.tsv",
        scores="<results>/protein_agreement.tsv",
        figure=FIGURE("<results>/figures/proteins.png", caption=f"{CAPTIONS}/proteins.rst"),
    log:
        "<logs>/add_proteins/cells.log",
    benchmark:
        "<benchmarks>/add_proteins/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=60,
    params:
        rows=list(ROWS.values()),
        seed=config["seed"],
        library=library("singlecell/add_proteins"),
    script:
        "../../scripts/singlecell/add_proteins.py"
