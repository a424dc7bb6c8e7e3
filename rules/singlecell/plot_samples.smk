"""Quality control of each sample on a page, and the list of samples.

Inputs:  tables of all barcodes and of the cut-offs from `qc_cells`
Outputs: <results>/samples.tsv (one row per sample, status used or quarantined), <results>/figures/samples/{sample}.png
"""


rule plot_samples:
    """What was kept and removed of each sample and by which cut-off, from tables only."""
    input:
        tables=expand("<results>/samples/{sample}.quality.tsv", sample=ROWS),
        limits=expand("<results>/samples/{sample}.limits.tsv", sample=ROWS),
    output:
        summary="<results>/samples.tsv",
        pages=FIGURE(expand("<results>/figures/samples/{sample}.png", sample=ROWS), caption=f"{CAPTIONS}/samples.rst"),
    log:
        "<logs>/plot_samples/samples.log",
    benchmark:
        "<benchmarks>/plot_samples/samples.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=30,
    params:
        sheet=list(ROWS.values()),
        library=library("singlecell/plot_samples"),
    script:
        "../../scripts/singlecell/plot_samples.py"
