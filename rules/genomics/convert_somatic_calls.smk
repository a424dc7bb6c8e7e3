"""Somatic calls of another caller in the form of ours.

Inputs:  calls of `call_mutect2`, `call_strelka` or `call_varlociraptor`, the reference, config: targets, region
Outputs: <results>/somatic/converted/{sample}.vcf.gz (temporary)
"""


rule convert_somatic_calls:
    """One allele per record, left-aligned; columns, fields and flags of `call_somatic`, filters of the caller."""
    input:
        calls=lambda wildcards: expand(RAW_SOMATIC_CALLS, sample=wildcards.sample),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
    output:
        variants=temp("<results>/somatic/converted/{sample}.vcf.gz"),
    log:
        "<logs>/convert_somatic_calls/{sample}.log",
    benchmark:
        "<benchmarks>/convert_somatic_calls/{sample}.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=60,
    params:
        caller=SOMATIC_CALLER,
        normal=lambda wildcards: "".join(NORMALS_OF[wildcards.sample]),
        region=config["region"],
        maximum_fdr=config["somatic"]["maximum_false_discovery_rate"],
        library=library("genomics/convert_somatic_calls"),
    script:
        "../../scripts/genomics/convert_somatic_calls.py"
