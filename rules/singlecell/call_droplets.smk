"""Cells of unfiltered matrices; only where the config says so (`droplets`).

Inputs:  raw counts of all barcodes (10x folder, 10x H5 or H5AD)
Outputs: <results>/samples/{sample}.called.h5ad (temporary), <results>/samples/{sample}.droplets.tsv.gz (barcodes above
         the ambient limit), {sample}.ranks.tsv (curve), {sample}.ambient.tsv.gz (profile), figures/droplets/{sample}.png
"""


rule call_droplets:
    """Barcodes above the knee, and smaller ones that differ from the empty droplets' profile (EmptyDrops)."""
    input:
        counts=COUNTS,
    output:
        cells=temp("<results>/samples/{sample}.called.h5ad"),
        droplets="<results>/samples/{sample}.droplets.tsv.gz",
        ranks="<results>/samples/{sample}.ranks.tsv",
        ambient="<results>/samples/{sample}.ambient.tsv.gz",
        figure=FIGURE("<results>/figures/droplets/{sample}.png", caption=f"{CAPTIONS}/droplets.rst"),
    log:
        "<logs>/call_droplets/{sample}.log",
    benchmark:
        "<benchmarks>/call_droplets/{sample}.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=60,
    params:
        sample=lambda wildcards: ROWS[wildcards.sample],
        seed=config["seed"],
        source=config["input"],
        settings=config["droplets"],
        on_failure=config["quality"]["on_failure"],
        library=library("singlecell/call_droplets"),
    script:
        "../../scripts/singlecell/call_droplets.py"
