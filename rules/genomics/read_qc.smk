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
    params:
        lanes=lambda wildcards, input: len(input.reads_1),
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        mates=("$work/{wildcards.sample}_R1.fastq.gz" "$work/{wildcards.sample}_R2.fastq.gz")
        if [ {params.lanes} = 1 ]; then
            ln -s "$(realpath {input.reads_1:q})" "${{mates[0]}}"
            ln -s "$(realpath {input.reads_2:q})" "${{mates[1]}}"
        else # gzip files one behind the other are a gzip file
            cat {input.reads_1:q} >"${{mates[0]}}"
            cat {input.reads_2:q} >"${{mates[1]}}"
        fi
        sequali --threads 1 --json {output.report:q}.tmp --html /dev/null "${{mates[@]}}" >&2
        mv {output.report:q}.tmp {output.report:q}
        """
