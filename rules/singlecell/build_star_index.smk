"""Index of the genome for STAR; only for the engine starsolo and where the config gives no index (`reads`).

Inputs:  config: genome (FASTA) and gene model (GTF)
Outputs: <results>/reads/star/ (temporary)
"""


rule build_star_index:
    """Genome with splice junctions of the gene model; small genomes need shorter words (STAR manual, 2.2.5)."""
    input:
        genome=config["reads"].get("genome", []),
        gene_model=config["reads"].get("gene_model", []),
    output:
        index=temp(directory("<results>/reads/star")),
    log:
        "<logs>/build_star_index/genome.log",
    benchmark:
        "<benchmarks>/build_star_index/genome.tsv"
    conda:
        "../../envs/star.yaml"
    threads: share_of_cores(1)
    resources:
        # ten bytes per base of the genome, as the manual says
        mem_mb=scaled(2000 + 10 * GENOME_MB),
        runtime=240,
    params:
        word=star_word_length(GENOME_MB),
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        gzip --decompress --force --stdout {input.genome:q} >"$work/genome.fa"
        gzip --decompress --force --stdout {input.gene_model:q} >"$work/genes.gtf"
        STAR --runMode genomeGenerate --runThreadN {threads} --genomeDir "$work/star" --outTmpDir "$work/tmp" \
            --outFileNamePrefix "$work/" --genomeFastaFiles "$work/genome.fa" --sjdbGTFfile "$work/genes.gtf" \
            --genomeSAindexNbases {params.word} >&2
        rm -rf {output.index:q}
        cp -r "$work/star" {output.index:q}
        """
