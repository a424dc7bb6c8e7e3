"""Germline variants of all normals together.

Inputs:  genotype likelihoods of `call_germline`, the reference
Outputs: <results>/cohort/variants.vcf.gz, indexed: one column per normal, with the genotype 0/0 told from no data
"""


rule genotype_cohort:
    """Merge the likelihoods and call from all; a sample that is added later costs its own likelihoods and this job."""
    input:
        likelihoods=expand("<results>/germline/likelihoods/{sample}.bcf", sample=NORMALS),
        likelihoods_index=expand("<results>/germline/likelihoods/{sample}.bcf.csi", sample=NORMALS),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        variants="<results>/cohort/variants.vcf.gz",
        variants_index="<results>/cohort/variants.vcf.gz.tbi",
    log:
        "<logs>/genotype_cohort/cohort.log",
    benchmark:
        "<benchmarks>/genotype_cohort/cohort.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=240,
    params:
        filters=SITE_FILTERS,
    script:
        "../../scripts/genomics/genotype_cohort.sh"
