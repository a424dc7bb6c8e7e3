"""Molecules per barcode and gene from reads, for the engine simpleaf; only where the config has `reads`.

Inputs:  FASTQ of the sheet, index and t2g (of the config, or of `build_simpleaf_index`), list of barcodes
Outputs: <results>/reads/{sample}/simpleaf/ (temporary): output of simpleaf quant
"""


rule count_simpleaf:
    """piscem and alevin-fry, with the resolution of Cell Ranger. The programme was not at hand: see the README."""
    input:
        reads1=lambda wildcards: READS[wildcards.sample].reads1,
        reads2=lambda wildcards: READS[wildcards.sample].reads2,
        whitelist=lambda wildcards: READS[wildcards.sample].whitelist,
        index=INDEX,
        t2g=T2G,
    output:
        folder=temp(directory("<results>/reads/{sample}/simpleaf")),
    log:
        "<logs>/count_simpleaf/{sample}.log",
    benchmark:
        "<benchmarks>/count_simpleaf/{sample}.tsv"
    conda:
        "../../envs/simpleaf.yaml"
    threads: share_of_cores(len(READS))
    resources:
        mem_mb=scaled(2000 + 4 * GENOME_MB),
        runtime=480,
    params:
        geometry=lambda wildcards: simpleaf_geometry(READS[wildcards.sample].chemistry),
        strand=lambda wildcards: simpleaf_strand(READS[wildcards.sample].chemistry),
        first=lambda wildcards: ",".join(READS[wildcards.sample].reads1),
        second=lambda wildcards: ",".join(READS[wildcards.sample].reads2),
    script:
        "../../scripts/singlecell/count_simpleaf.sh"
