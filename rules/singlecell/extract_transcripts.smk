"""Transcripts of the gene model; only where the config gives genome and gene model instead of an index (`reads`).

Inputs:  config: genome (FASTA) and gene model (GTF)
Outputs: <results>/reads/transcripts.fa (temporary), <results>/reads/t2g.tsv
"""


rule extract_transcripts:
    """Spliced sequences and their genes, as `kb ref` makes them."""
    input:
        genome=config["reads"].get("genome", []),
        gene_model=config["reads"].get("gene_model", []),
    output:
        transcripts=temp("<results>/reads/transcripts.fa"),
        t2g="<results>/reads/t2g.tsv",
    log:
        "<logs>/extract_transcripts/transcripts.log",
    benchmark:
        "<benchmarks>/extract_transcripts/transcripts.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=60,
    params:
        library=library("singlecell/extract_transcripts"),
    script:
        "../../scripts/singlecell/extract_transcripts.py"
