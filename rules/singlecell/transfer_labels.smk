"""Cell types of a labelled reference; only where the config names one (`transfer`).

Inputs:  cells.h5ad of `annotate_cells`, the reference (H5AD)
Outputs: <results>/transferred_labels.tsv.gz (cells), transferred_clusters.tsv, figures/transferred_labels.png
"""


rule transfer_labels:
    """Label, calibrated confidence and novelty of each cell; what the reference does not hold is unknown."""
    input:
        cells="<results>/cells.h5ad",
        reference=config["transfer"]["reference"],
        labels=[config["transfer"]["label_table"]] if config["transfer"]["label_table"] else [],
    output:
        table="<results>/transferred_labels.tsv.gz",
        clusters="<results>/transferred_clusters.tsv",
        figure=FIGURE("<results>/figures/transferred_labels.png", caption=f"{CAPTIONS}/transferred_labels.rst"),
    log:
        "<logs>/transfer_labels/cells.log",
    benchmark:
        "<benchmarks>/transfer_labels/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=120,
    params:
        seed=config["seed"],
        source=config["input"],
        batch=config["embedding"]["batch"],
        settings=config["transfer"],
        library=library("singlecell/transfer_labels"),
    script:
        "../../scripts/singlecell/transfer_labels.py"
