"""Differential expression between conditions within each cell type.

Inputs:  cells.h5ad of `annotate_cells`
Outputs: <results>/expression.tsv (genes), <results>/expression_summary.tsv (what was tested, or why not)
"""


rule compare_expression:
    """Pseudobulk and DESeq2's model: samples are the units, not cells."""
    input:
        cells="<results>/cells.h5ad",
    output:
        table="<results>/expression.tsv",
        summary="<results>/expression_summary.tsv",
    log:
        "<logs>/compare_expression/cells.log",
    benchmark:
        "<benchmarks>/compare_expression/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=120,
    params:
        sheet=list(ROWS.values()),
        settings=config["comparison"],
        library=library("singlecell/compare_expression"),
    script:
        "../../scripts/singlecell/compare_expression.py"
