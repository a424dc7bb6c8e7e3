"""Ligand-receptor pairs between cell types; only where the config names a list of pairs (`communication`).

Inputs:  cells.h5ad of `annotate_cells`, table of pairs
Outputs: <results>/communication.tsv, <results>/figures/communication.png
"""


rule find_communication:
    """Scores per donor; types shuffled within donors for specificity, labels exchanged for the conditions."""
    input:
        cells="<results>/cells.h5ad",
        pairs=config["communication"]["pairs"],
    output:
        table="<results>/communication.tsv",
        figure=FIGURE("<results>/figures/communication.png", caption=f"{CAPTIONS}/communication.rst"),
    log:
        "<logs>/find_communication/cells.log",
    benchmark:
        "<benchmarks>/find_communication/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=120,
    params:
        seed=config["seed"],
        sheet=list(ROWS.values()),
        settings=config["communication"],
        comparison=config["comparison"],
        library=library("singlecell/find_communication"),
    script:
        "../../scripts/singlecell/find_communication.py"
