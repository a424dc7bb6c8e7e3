"""Molecules per barcode and gene from reads, for the engine starsolo; only where the config has `reads`.

Inputs:  FASTQ of the sheet, index (of the config, or of `build_star_index`), list of barcodes
Outputs: <results>/reads/{sample}/starsolo/ (temporary): raw matrix and summary of STARsolo
"""


rule count_starsolo:
    """Alignment to the genome; barcodes and UMIs are corrected and counted as Cell Ranger does (STARsolo manual)."""
    input:
        reads1=lambda wildcards: READS[wildcards.sample].reads1,
        reads2=lambda wildcards: READS[wildcards.sample].reads2,
        whitelist=lambda wildcards: READS[wildcards.sample].whitelist,
        index=INDEX,
    output:
        folder=temp(directory("<results>/reads/{sample}/starsolo")),
    log:
        "<logs>/count_starsolo/{sample}.log",
    benchmark:
        "<benchmarks>/count_starsolo/{sample}.tsv"
    conda:
        "../../envs/star.yaml"
    threads: share_of_cores(len(READS))
    resources:
        mem_mb=scaled(2000 + 12 * GENOME_MB),
        runtime=720,
    params:
        layout=lambda wildcards: starsolo_layout(READS[wildcards.sample].chemistry),
        first=lambda wildcards: ",".join(READS[wildcards.sample].reads1),
        second=lambda wildcards: ",".join(READS[wildcards.sample].reads2),
    script:
        "../../scripts/singlecell/count_starsolo.sh"
