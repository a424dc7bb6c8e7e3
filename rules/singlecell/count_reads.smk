"""Molecules per barcode and gene from reads, for the engine kb; only where the config has `reads`.

Inputs:  FASTQ of the sheet, index and t2g (of the config, or of `build_transcript_index`), list of barcodes
Outputs: <results>/reads/{sample}/kb/ (temporary): counts, reads behind them, reads per molecule, reports of the programmes
"""


rule count_reads:
    """kallisto and bustools as `kb count` calls them; the result is the same for any number of threads."""
    input:
        reads1=lambda wildcards: READS[wildcards.sample].reads1,
        reads2=lambda wildcards: READS[wildcards.sample].reads2,
        whitelist=lambda wildcards: READS[wildcards.sample].whitelist,
        index=INDEX,
        t2g=T2G,
        checked=INDEX_CHECKED,
    output:
        folder=temp(directory("<results>/reads/{sample}/kb")),
    log:
        "<logs>/count_reads/{sample}.log",
    benchmark:
        "<benchmarks>/count_reads/{sample}.tsv"
    conda:
        "../../envs/kallisto.yaml"
    threads: share_of_cores(len(READS))
    resources:
        # the index, and as much again to sort in; estimated for large genomes, not measured
        mem_mb=scaled(1000 + 4 * GENOME_MB),
        runtime=480,
    params:
        technology=lambda wildcards: kallisto_technology(READS[wildcards.sample].chemistry),
        strand=lambda wildcards: kallisto_strand(READS[wildcards.sample].chemistry),
    script:
        "../../scripts/singlecell/count_reads.sh"
