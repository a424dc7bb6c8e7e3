"""Counts of the reads of one sample in one form, whatever engine counted; only where the config has `reads`.

Inputs:  folder of `count_reads`, `count_starsolo` or `count_simpleaf`; t2g
Outputs: <results>/counts/{sample}.h5 (unfiltered, 10x H5), <results>/counts/{sample}.statistics.tsv (temporary);
         for the engine kb {sample}.reads.h5 and {sample}.histogram.tsv (temporary): reads per count and per molecule
"""


rule collect_counts:
    """All barcodes with a molecule; which of them are cells is not said here."""
    input:
        folder=f"<results>/reads/{{sample}}/{config['reads']['engine']}",
        t2g=T2G,
    output:
        counts="<results>/counts/{sample}.h5",
        reads=temp("<results>/counts/{sample}.reads.h5") if HAS_DEPTH else [],
        histogram=temp("<results>/counts/{sample}.histogram.tsv") if HAS_DEPTH else [],
        statistics=temp("<results>/counts/{sample}.statistics.tsv"),
    log:
        "<logs>/collect_counts/{sample}.log",
    benchmark:
        "<benchmarks>/collect_counts/{sample}.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        engine=config["reads"]["engine"],
        sample="{sample}",
        library=library("singlecell/collect_counts"),
    script:
        "../../scripts/singlecell/collect_counts.py"
