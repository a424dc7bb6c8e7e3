"""Whether a ready index and its table of genes fit; only for the engine kb and where the config gives an index (`reads`).

Inputs:  config: index and t2g
Outputs: <results>/reads/transcripts.txt: names of the transcripts in the index
"""


rule check_transcript_index:
    """Before hours of mapping: bustools would search for the gene of an unlisted transcript for ever."""
    input:
        index=config["reads"].get("index", []),
        t2g=config["reads"].get("t2g", []),
    output:
        names="<results>/reads/transcripts.txt",
    log:
        "<logs>/check_transcript_index/transcripts.log",
    benchmark:
        "<benchmarks>/check_transcript_index/transcripts.tsv"
    conda:
        "../../envs/kallisto.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000 + 4 * GENOME_MB),
        runtime=30,
    script:
        "../../scripts/singlecell/check_transcript_index.sh"
