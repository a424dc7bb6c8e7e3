"""Known variants of the user, written as the calls are, so that equal alleles meet.

Inputs:  config: known_sites; the reference of `prepare_reference`
Outputs: <results>/reference/known_sites/{source}.bcf, indexed
"""


rule prepare_known_sites:
    """Keep the wanted fields, one allele per record, left-aligned; a reference base that differs is an error."""
    input:
        variants=lambda wildcards: KNOWN_SITES[wildcards.source]["path"],
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        variants="<results>/reference/known_sites/{source}.bcf",
        variants_index="<results>/reference/known_sites/{source}.bcf.csi",
    log:
        "<logs>/prepare_known_sites/{source}.log",
    benchmark:
        "<benchmarks>/prepare_known_sites/{source}.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=60,
    params:
        fields=lambda wildcards: KNOWN_SITES[wildcards.source]["fields"],
    script:
        "../../scripts/genomics/prepare_known_sites.sh"
