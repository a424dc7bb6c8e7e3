"""Germline variants of one normal sample.

Inputs:  alignments of `align_reads`, the reference, config: targets, region, gene_model
Outputs: <results>/germline/{sample}.vcf.gz, indexed; <results>/qc/germline/{sample}.stats, which MultiQC reads
"""


rule call_germline:
    """Call, split and left-align, filter, add consequences; where its settings come from: README.md."""
    input:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
        gene_model=config["gene_model"] or [],
    output:
        variants="<results>/germline/{sample}.vcf.gz",
        variants_index="<results>/germline/{sample}.vcf.gz.tbi",
        statistics="<results>/qc/germline/{sample}.stats",
    log:
        "<logs>/call_germline/{sample}.log",
    benchmark:
        "<benchmarks>/call_germline/{sample}.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=240,
    params:
        region=config["region"],
        minimum_mapping_quality=config["germline"]["minimum_mapping_quality"],
        minimum_quality=config["germline"]["minimum_quality"],
        maximum_depth=config["germline"]["maximum_depth"],
    script:
        "../../scripts/genomics/call_germline.sh"
