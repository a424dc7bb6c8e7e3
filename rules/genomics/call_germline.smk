"""Germline variants of one normal sample.

Inputs:  alignments of `align_reads` (or calls of another caller), the reference, known sites of
         `prepare_known_sites`, config: targets, region, gene_model
Outputs: <results>/germline/{sample}.vcf.gz, indexed; <results>/germline/likelihoods/{sample}.bcf for `genotype_cohort`;
         <results>/qc/germline/{sample}.stats, which MultiQC reads
"""


rule call_germline:
    """Call in chunks, split and left-align, filter, add consequences and known sites; settings: README.md."""
    input:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        raw_calls=[] if CALLER == "bcftools" else f"<results>/germline/{CALLER}/{{sample}}.vcf",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
        gene_model=config["gene_model"] or [],
        known_sites=expand("<results>/reference/known_sites/{source}.bcf", source=KNOWN_SITES),
        known_sites_index=expand("<results>/reference/known_sites/{source}.bcf.csi", source=KNOWN_SITES),
    output:
        variants="<results>/germline/{sample}.vcf.gz",
        variants_index="<results>/germline/{sample}.vcf.gz.tbi",
        likelihoods=["<results>/germline/likelihoods/{sample}.bcf"] * config["germline"]["joint"],
        likelihoods_index=["<results>/germline/likelihoods/{sample}.bcf.csi"] * config["germline"]["joint"],
        statistics="<results>/qc/germline/{sample}.stats",
    log:
        "<logs>/call_germline/{sample}.log",
    benchmark:
        "<benchmarks>/call_germline/{sample}.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: share_of_cores(len(NORMALS))
    resources:
        mem_mb=scaled(1000),
        runtime=240,
    params:
        region=config["region"],
        settings=[config["germline"][key] for key in ("minimum_mapping_quality", "maximum_depth", "chunk_bases")],
        filters=FILTERS,
        known_sites=[f"{name}:{field}" for name, one in KNOWN_SITES.items() for field in one["fields"]],
    script:
        "../../scripts/genomics/call_germline.sh"
