"""Agreement with given labels; runs only where the sheet or the config names labels.

Inputs:  cells.h5ad, quality tables, label files (or obs columns of the counts)
Outputs: <results>/scores.tsv
"""


rule score_cells:
    """The only step that sees labels."""
    input:
        cells="<results>/cells.h5ad",
        tables=expand("<results>/samples/{sample}.quality.tsv", sample=ROWS),
        labels=TRUTH,
        counts=sorted({row["counts"] for row in ROWS.values()}),
        marker_table=MARKER_TABLE,
    output:
        scores="<results>/scores.tsv",
    log:
        "<logs>/score_cells/cells.log",
    benchmark:
        "<benchmarks>/score_cells/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=30,
    params:
        rows=list(ROWS.values()),
        settings=config["labels"],
        library=library("singlecell/score_cells"),
    script:
        "../../scripts/singlecell/score_cells.py"
