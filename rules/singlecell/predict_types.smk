"""Cell types by a CellTypist model; only where the config names one (`celltypist`).

Inputs:  cells.h5ad of `annotate_cells`, the model (.pkl)
Outputs: <results>/celltypist.tsv.gz (cells), celltypist_clusters.tsv, celltypist_agreement.tsv, figures/celltypist.png
"""


rule predict_types:
    """CellTypist's formula with the coefficients of the model, whose file is read without running it."""
    input:
        cells="<results>/cells.h5ad",
        model=config["celltypist"]["model"],
    output:
        table="<results>/celltypist.tsv.gz",
        clusters="<results>/celltypist_clusters.tsv",
        agreement="<results>/celltypist_agreement.tsv",
        figure=FIGURE("<results>/figures/celltypist.png", caption=f"{CAPTIONS}/celltypist.rst"),
    log:
        "<logs>/predict_types/cells.log",
    benchmark:
        "<benchmarks>/predict_types/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=60,
    params:
        settings=config["celltypist"],
        library=library("singlecell/predict_types"),
    script:
        "../../scripts/singlecell/predict_types.py"
