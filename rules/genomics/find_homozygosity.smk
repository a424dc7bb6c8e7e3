"""Stretches in which both copies of the genome are the same.

Inputs:  variants of `call_germline`
Outputs: <results>/homozygosity.tsv: one row per run: sample, contig, first, last, bases, sites, quality
"""


rule find_homozygosity:
    """Hidden Markov model of bcftools roh over the passing single-base variants of each normal."""
    input:
        variants=expand("<results>/germline/{sample}.vcf.gz", sample=NORMALS),
        variants_index=expand("<results>/germline/{sample}.vcf.gz.tbi", sample=NORMALS),
    output:
        runs="<results>/homozygosity.tsv",
    log:
        "<logs>/find_homozygosity/cohort.log",
    benchmark:
        "<benchmarks>/find_homozygosity/cohort.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=120,
    script:
        "../../scripts/genomics/find_homozygosity.sh"
