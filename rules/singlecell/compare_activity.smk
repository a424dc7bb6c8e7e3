"""Activity of pathways and regulators per donor and cell type; only where the config names gene sets (`activity`).

Inputs:  cells.h5ad of `annotate_cells`, gene sets (.gmt) or a network with weights (.tsv)
Outputs: <results>/activity.tsv (donors), <results>/activity_test.tsv, <results>/figures/activity.png
"""


rule compare_activity:
    """Univariate linear models on pseudobulk, then the comparison of donors, with exchanged labels beside it."""
    input:
        cells="<results>/cells.h5ad",
        network=config["activity"]["sets"],
    output:
        table="<results>/activity.tsv",
        test="<results>/activity_test.tsv",
        figure=FIGURE("<results>/figures/activity.png", caption=f"{CAPTIONS}/activity.rst"),
    log:
        "<logs>/compare_activity/cells.log",
    benchmark:
        "<benchmarks>/compare_activity/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=60,
    params:
        seed=config["seed"],
        sheet=list(ROWS.values()),
        settings=config["activity"],
        comparison=config["comparison"],
        library=library("singlecell/compare_activity"),
    script:
        "../../scripts/singlecell/compare_activity.py"
