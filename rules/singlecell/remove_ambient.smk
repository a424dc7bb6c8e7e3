"""Ambient RNA of each sample; only where the config says so (`ambient`).

Inputs:  counts of the cells (of `call_droplets`, else the sheet's), profile of the empty droplets
Outputs: <results>/samples/{sample}.corrected.h5ad (temporary), <results>/samples/{sample}.contamination.tsv (one row),
         <results>/samples/{sample}.ambient_genes.tsv (genes that lost most)
"""

# Of the empty droplets, of a table, or (no file) of the column `var/<name>` of the counts.
SOUP = config["ambient"]["profile"]
TABLES = [] if SOUP.startswith("var/") else [SOUP]
PROFILE = "<results>/samples/{sample}.ambient.tsv.gz" if SOUP == "droplets" else TABLES


rule remove_ambient:
    """Contamination from genes that groups of cells cannot express, then counts without it (SoupX)."""
    input:
        counts=CALLED,
        profile=PROFILE,
    output:
        cells=temp("<results>/samples/{sample}.corrected.h5ad"),
        table="<results>/samples/{sample}.contamination.tsv",
        genes="<results>/samples/{sample}.ambient_genes.tsv",
    log:
        "<logs>/remove_ambient/{sample}.log",
    benchmark:
        "<benchmarks>/remove_ambient/{sample}.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=60,
    params:
        sample=lambda wildcards: ROWS[wildcards.sample] | ({} if CALLED is COUNTS else ALL_CELLS),
        seed=config["seed"],
        source=config["input"] | ({} if CALLED is COUNTS else HANDED_ON),
        settings=config["ambient"],
        on_failure=config["quality"]["on_failure"],
        library=library("singlecell/remove_ambient"),
    script:
        "../../scripts/singlecell/remove_ambient.py"
