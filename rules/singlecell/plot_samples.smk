"""Quality control of each sample on a page, and the list of samples.

Inputs:  tables of all barcodes and of the cut-offs from `qc_cells`, and those of the sections of the config
Outputs: <results>/samples.tsv (one row per sample, status used or quarantined), <results>/figures/samples/{sample}.png
"""


rule plot_samples:
    """What was kept and removed of each sample and by which cut-off, from tables only."""
    input:
        tables=expand("<results>/samples/{sample}.quality.tsv", sample=ROWS),
        limits=expand("<results>/samples/{sample}.limits.tsv", sample=ROWS),
        ranks=expand("<results>/samples/{sample}.ranks.tsv", sample=UNFILTERED),
        contamination=expand("<results>/samples/{sample}.contamination.tsv", sample=CORRECTED),
        ambient_genes=expand("<results>/samples/{sample}.ambient_genes.tsv", sample=CORRECTED),
        phases=["<results>/cell_cycle_shares.tsv"] if "cell_cycle" in config else [],
        saturation=["<results>/saturation.tsv"] if HAS_DEPTH else [],
    output:
        summary=report("<results>/samples.tsv", category="Single cell", caption=f"{CAPTIONS}/samples_table.rst"),
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
