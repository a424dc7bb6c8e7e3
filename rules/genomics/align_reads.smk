"""From raw reads to sorted alignments with marked duplicates, as one stream without FASTQ or SAM files between.

Inputs:  sheet: fastq_1 and fastq_2 of all lanes, or alignments (BAM, CRAM); the reference of `prepare_reference`
Outputs: <results>/alignments/{sample}.cram, indexed,
         <results>/qc/trimming/{sample}.json and <results>/qc/alignments/{sample}.stats, which MultiQC reads
"""


rule align_reads:
    """Trim, align, complete mates, sort, mark duplicates; batches of bwa are fixed, so threads change nothing."""
    input:
        reads_1=lambda wildcards: reads_of(UNITS, wildcards.sample, "fastq_1"),
        reads_2=lambda wildcards: reads_of(UNITS, wildcards.sample, "fastq_2"),
        alignments=lambda wildcards: reads_of(UNITS, wildcards.sample, "alignments"),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        dictionary="<results>/reference/reference.dict",
        index=multiext("<results>/reference/reference.fa", ".amb", ".ann", ".bwt", ".pac", ".sa"),
    output:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        trimming="<results>/qc/trimming/{sample}.json",
        statistics="<results>/qc/alignments/{sample}.stats",
    log:
        "<logs>/align_reads/{sample}.log",
    benchmark:
        "<benchmarks>/align_reads/{sample}.tsv"
    conda:
        "../../envs/alignment.yaml"
    threads: share_of_cores(len(SAMPLES))
    resources:
        mem_mb=scaled(2000),
        runtime=240,
    params:
        adapter_1=config["trimming"]["adapter_1"],
        adapter_2=config["trimming"]["adapter_2"],
        quality=config["trimming"]["quality"],
        minimum_length=config["trimming"]["minimum_length"],
        lanes=lambda wildcards: reads_of(UNITS, wildcards.sample, "lane"),
        umi=config["duplicates"]["umi"],
        umi_lengths=config["duplicates"]["umi_lengths"],
    script:
        "../../scripts/genomics/align_reads.sh"
