"""Somatic variants of a tumour, with or without a normal of the same patient.

Inputs:  allele counts of `count_somatic_alleles`, alignments of `align_reads`, the reference;
         config: panel of normals, population frequencies
Outputs: <results>/somatic/calls/{sample}.vcf.gz: candidates with filters (temporary)
"""


rule call_somatic:
    """Look at the fragments behind every allele: in the tumour more than error, in the normal not at all."""
    input:
        counts="<results>/somatic/counts/{sample}.bcf",
        normal=lambda wildcards: expand("<results>/alignments/{normal}.cram", normal=NORMALS_OF[wildcards.sample]),
        normal_index=lambda wildcards: expand(
            "<results>/alignments/{normal}.cram.crai", normal=NORMALS_OF[wildcards.sample]
        ),
        tumour="<results>/alignments/{sample}.cram",
        tumour_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        panel=config["somatic"]["panel_of_normals"] or [],
        frequencies=config["somatic"]["population_frequencies"] or [],
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
