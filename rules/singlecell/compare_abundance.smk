"""Differential abundance in neighbourhoods of cells; only where the config asks for it (`abundance`).

Inputs:  cells.h5ad of `annotate_cells`
Outputs: <results>/abundance.tsv, <results>/figures/abundance.png
"""


rule compare_abundance:
    """Milo: cells of each neighbourhood per donor, quasi-likelihood tests, spatial FDR, exchanged labels beside it."""
    input:
        cells="<results>/cells.h5ad",
    output:
        table="<results>/abundance.tsv",
        figure=FIGURE("<results>/figures/abundance.png", caption=f"{CAPTIONS}/abundance.rst"),
    log:
        "<logs>/compare_abundance/cells.log",
    benchmark:
        "<benchmarks>/compare_abundance/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=60,
    params:
        seed=config["seed"],
        sheet=list(ROWS.values()),
        settings=config["abundance"],
        comparison=config["comparison"],
        library=library("singlecell/compare_abundance"),
    script:
        "../../scripts/singlecell/compare_abundance.py"
