"""Index of the transcripts for kallisto; only for the engine kb and where the config gives no index (`reads`).

Inputs:  transcripts of `extract_transcripts`, config: genome (FASTA)
Outputs: <results>/reads/transcripts.idx (temporary)
"""


rule build_transcript_index:
    """As `kb ref` does: what the genome holds beside the transcripts masks reads from elsewhere (--d-list)."""
    input:
        transcripts="<results>/reads/transcripts.fa",
        genome=config["reads"].get("genome", []),
    output:
        index=temp("<results>/reads/transcripts.idx"),
    log:
        "<logs>/build_transcript_index/transcripts.log",
    benchmark:
        "<benchmarks>/build_transcript_index/transcripts.tsv"
    conda:
        "../../envs/kallisto.yaml"
    threads: share_of_cores(1)
    resources:
        # estimated, not measured: six bytes per base of the genome
        mem_mb=scaled(1000 + 6 * GENOME_MB),
        runtime=240,
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        kallisto index --index={output.index:q}.tmp --threads={threads} --tmp="$work/kallisto" \
            --d-list={input.genome:q} {input.transcripts:q} >&2
        mv {output.index:q}.tmp {output.index:q}
        """
