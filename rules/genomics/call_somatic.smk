"""Somatic variants of a tumour.

Inputs:  allele counts of `count_somatic_alleles`, the reference
Outputs: <results>/somatic/calls/{sample}.vcf.gz: candidates with filters (temporary)
"""


rule call_somatic:
    """Test every allele: in the tumour more than error, in the normal not at all, on both strands."""
    input:
        counts="<results>/somatic/counts/{sample}.bcf",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        variants=temp("<results>/somatic/calls/{sample}.vcf.gz"),
    log:
        "<logs>/call_somatic/{sample}.log",
    benchmark:
        "<benchmarks>/call_somatic/{sample}.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=60,
    params:
        settings=config["somatic"],
        library=library("genomics/call_somatic"),
    script:
        "../../scripts/genomics/call_somatic.py"
