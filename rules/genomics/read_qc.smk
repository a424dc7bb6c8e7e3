"""Quality of the raw reads.

Inputs:  sheet: fastq_1, fastq_2
Outputs: <results>/qc/reads/{sample}.json, which MultiQC reads
"""


rule read_qc:
    """Base quality, composition, duplication and adapters of a pair of files."""
    input:
        reads_1=lambda wildcards: SAMPLES.at[wildcards.sample, "fastq_1"],
        reads_2=lambda wildcards: SAMPLES.at[wildcards.sample, "fastq_2"],
    output:
        report="<results>/qc/reads/{sample}.json",
    log:
        "<logs>/read_qc/{sample}.log",
    benchmark:
        "<benchmarks>/read_qc/{sample}.tsv"
    conda:
        "../../envs/sequali.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=60,
    shell:
        """
        exec 2>{log:q}
        sequali --threads 1 --json {output.report:q}.tmp --html /dev/null {input.reads_1:q} {input.reads_2:q} >&2
        mv {output.report:q}.tmp {output.report:q}
        """
