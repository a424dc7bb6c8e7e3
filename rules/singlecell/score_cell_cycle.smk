"""Phase of the cell cycle; only where the config names the genes (`cell_cycle`).

Inputs:  cells.h5ad of `annotate_cells`, genes of S and G2/M
Outputs: <results>/cell_cycle.tsv.gz (cells), <results>/cell_cycle_shares.tsv, <results>/figures/cell_cycle.png
"""


rule score_cell_cycle:
    """S and G2/M scores against genes of like expression; phase of each cell, shares by sample and type."""
    input:
        cells="<results>/cells.h5ad",
        sets=config["cell_cycle"]["genes"],
    output:
        table="<results>/cell_cycle.tsv.gz",
        shares="<results>/cell_cycle_shares.tsv",
        figure=FIGURE("<results>/figures/cell_cycle.png", caption=f"{CAPTIONS}/cell_cycle.rst"),
    log:
        "<logs>/score_cell_cycle/cells.log",
    benchmark:
        "<benchmarks>/score_cell_cycle/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=60,
    params:
        seed=config["seed"],
        settings=config["cell_cycle"],
        library=library("singlecell/score_cell_cycle"),
    script:
        "../../scripts/singlecell/score_cell_cycle.py"
