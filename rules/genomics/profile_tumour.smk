"""What a tumour's mutations, repeats and depths tell.

Inputs:  variants of `annotate_somatic`, alignments of `align_reads`, the reference, config: targets, region
Outputs: <results>/somatic/profiles/{sample}.json; <results>/somatic/bins/{sample}.tsv: depths of tumour and normal
"""


rule profile_tumour:
    """Mutations per callable megabase, microsatellites, clones, tumour in the normal, depths for copy numbers."""
    input:
        variants="<results>/somatic/{sample}.vcf.gz",
        normal=lambda wildcards: expand("<results>/alignments/{normal}.cram", normal=NORMALS_OF[wildcards.sample]),
        normal_index=lambda wildcards: expand(
            "<results>/alignments/{normal}.cram.crai", normal=NORMALS_OF[wildcards.sample]
        ),
        tumour="<results>/alignments/{sample}.cram",
        tumour_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
    output:
        profile="<results>/somatic/profiles/{sample}.json",
        bins="<results>/somatic/bins/{sample}.tsv",
    log:
        "<logs>/profile_tumour/{sample}.log",
    benchmark:
        "<benchmarks>/profile_tumour/{sample}.tsv"
    conda:
        "../../envs/genomics_analysis.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=240,
    params:
        sample=lambda wildcards: part_of(SAMPLES[wildcards.sample], "sample", "patient_id"),
        region=config["region"],
        calling=config["somatic"],
        settings=config["tumour"],
        library=library("genomics/profile_tumour"),
    script:
        "../../scripts/genomics/profile_tumour.py"
