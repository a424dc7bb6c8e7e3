"""Composition of each sample and its difference between conditions.

Inputs:  table of cells from `annotate_cells`, the marker table
Outputs: <results>/composition.tsv, <results>/composition_test.tsv
"""


rule compare_composition:
    """Centred log-ratios per sample, tested with donors or batches in the model where the design allows it."""
    input:
        cells="<results>/cells.tsv.gz",
        marker_table=MARKER_TABLE,
    output:
        table="<results>/composition.tsv",
        test="<results>/composition_test.tsv",
    log:
        "<logs>/compare_composition/cells.log",
    benchmark:
        "<benchmarks>/compare_composition/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=20,
    params:
        sheet=list(ROWS.values()),
        settings=config["comparison"],
        seed=config["seed"],
        library=library("singlecell/compare_composition"),
    script:
        "../../scripts/singlecell/compare_composition.py"
