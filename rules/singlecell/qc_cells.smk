"""Quality control and doublets of one sample.

Inputs:  raw counts (10x folder, 10x H5, H5AD or table), gene sets
Outputs: <results>/samples/{sample}.h5ad (kept cells, temporary), <results>/samples/{sample}.quality.tsv (all barcodes),
         <results>/samples/{sample}.limits.tsv (cut-offs, in words)
"""


rule qc_cells:
    """Limits from the sample's own distribution (MAD); doublets within the sample, where they arise."""
    input:
        counts=PREPARED,
        gene_sets=config["gene_sets"],
    output:
        cells=temp("<results>/samples/{sample}.h5ad"),
        table="<results>/samples/{sample}.quality.tsv",
        limits="<results>/samples/{sample}.limits.tsv",
    log:
        "<logs>/qc_cells/{sample}.log",
    benchmark:
        "<benchmarks>/qc_cells/{sample}.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=30,
    params:
        sample=lambda wildcards: ROWS[wildcards.sample] | ({} if PREPARED is COUNTS else ALL_CELLS),
        seed=config["seed"],
        source=config["input"] | ({} if PREPARED is COUNTS else HANDED_ON),
        quality=config["quality"],
        doublets=config["doublets"],
        library=library("singlecell/qc_cells"),
    script:
        "../../scripts/singlecell/qc_cells.py"
