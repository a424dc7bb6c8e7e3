"""What became of the reads of each sample; only where the config has `reads`.

Inputs:  statistics of `collect_counts`, cells of `qc_cells`
Outputs: <results>/counting.tsv; for the engine kb <results>/saturation.tsv and <results>/figures/saturation.png
"""


rule summarise_counting:
    """Reads, mapping, barcodes and saturation; genes per cell at lower depth, computed without drawing reads."""
    input:
        statistics=expand("<results>/counts/{sample}.statistics.tsv", sample=READS),
        quality=expand("<results>/samples/{sample}.quality.tsv", sample=READS),
        reads=expand("<results>/counts/{sample}.reads.h5", sample=READS) if HAS_DEPTH else [],
        histograms=expand("<results>/counts/{sample}.histogram.tsv", sample=READS) if HAS_DEPTH else [],
    output:
        table=report("<results>/counting.tsv", category="Single cell", caption=f"{CAPTIONS}/counting.rst"),
        curve="<results>/saturation.tsv" if HAS_DEPTH else [],
        figure=FIGURE("<results>/figures/saturation.png", caption=f"{CAPTIONS}/saturation.rst") if HAS_DEPTH else [],
    log:
        "<logs>/summarise_counting/samples.log",
    benchmark:
        "<benchmarks>/summarise_counting/samples.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=30,
    params:
        chemistries={sample: row.chemistry.name for sample, row in READS.items()},
        library=library("singlecell/summarise_counting"),
    script:
        "../../scripts/singlecell/summarise_counting.py"
