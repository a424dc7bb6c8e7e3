"""Quality of the raw reads of samples that come as FASTQ.

Inputs:  sheet: fastq_1, fastq_2 of all lanes
Outputs: <results>/qc/reads/{sample}.json, which MultiQC reads
"""


rule read_qc:
    """Base quality, composition, duplication and adapters of the reads, lanes together."""
    input:
        reads_1=lambda wildcards: reads_of(UNITS, wildcards.sample, "fastq_1"),
        reads_2=lambda wildcards: reads_of(UNITS, wildcards.sample, "fastq_2"),
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
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        # gzip files one behind the other are a gzip file: lanes become one
        join() {{
                                    target=$work/$1
                                    shift
                                    if [ $# = 1 ]; then ln -s "$(realpath "$1")" "$target"; else cat "$@" >"$target"; fi
                                }}
        join {wildcards.sample}_R1.fastq.gz {input.reads_1:q}
        join {wildcards.sample}_R2.fastq.gz {input.reads_2:q}
        sequali --threads 1 --json {output.report:q}.tmp --html /dev/null "$work"/*.fastq.gz >&2
        mv {output.report:q}.tmp {output.report:q}
        """
