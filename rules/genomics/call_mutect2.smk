"""Somatic calls of GATK Mutect2, for `somatic: {caller: mutect2}`; `convert_somatic_calls` makes them like all others.

Inputs:  alignments of `align_reads`, the reference with its dictionary; config: targets, region, panel of normals,
         population frequencies
Outputs: <results>/somatic/mutect2/{sample}.vcf (temporary)
"""


rule call_mutect2:
    """Local assembly, then the filters of GATK, with the orientation of artefacts learned from the sample."""
    input:
        normal=lambda wildcards: expand("<results>/alignments/{normal}.cram", normal=NORMALS_OF[wildcards.sample]),
        normal_index=lambda wildcards: expand(
            "<results>/alignments/{normal}.cram.crai", normal=NORMALS_OF[wildcards.sample]
        ),
        tumour="<results>/alignments/{sample}.cram",
        tumour_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        dictionary="<results>/reference/reference.dict",
        targets=config["targets"] or [],
        panel=config["somatic"]["panel_of_normals"] or [],
        frequencies=config["somatic"]["population_frequencies"] or [],
    output:
        variants=temp("<results>/somatic/mutect2/{sample}.vcf"),
    log:
        "<logs>/call_mutect2/{sample}.log",
    benchmark:
        "<benchmarks>/call_mutect2/{sample}.tsv"
    conda:
        "../../envs/gatk.yaml"
    threads: 1
    resources:
        mem_mb=scaled(6000),
        runtime=1440,
    params:
        where=["-L", config["region"]] * bool(config["region"]) + ["-L", config["targets"]] * bool(config["targets"]),
        normal=lambda wildcards: "".join(NORMALS_OF[wildcards.sample]),
        minimum_mapping_quality=config["somatic"]["minimum_mapping_quality"],
    script:
        "../../scripts/genomics/call_mutect2.sh"
