"""A panel of normals from all normals of the sheet, for tumours sequenced alike.

Inputs:  alignments of `align_reads`, the reference, config: targets, region
Outputs: <results>/panel_of_normals.vcf.gz, indexed; alleles only, nobody's genotypes
"""


rule make_panel_of_normals:
    """Alleles that at least so many normals show, be they germline or artefacts of the method."""
    input:
        alignments=expand("<results>/alignments/{sample}.cram", sample=NORMALS),
        alignments_index=expand("<results>/alignments/{sample}.cram.crai", sample=NORMALS),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
    output:
        panel="<results>/panel_of_normals.vcf.gz",
        panel_index="<results>/panel_of_normals.vcf.gz.tbi",
    log:
        "<logs>/make_panel_of_normals/panel.log",
    benchmark:
        "<benchmarks>/make_panel_of_normals/panel.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=480,
    params:
        minimum_normals=config["somatic"]["minimum_panel_normals"],
        minimum_mapping_quality=config["somatic"]["minimum_mapping_quality"],
        minimum_base_quality=config["somatic"]["minimum_base_quality"],
        maximum_depth=config["somatic"]["maximum_depth"],
        region=config["region"],
    script:
        "../../scripts/genomics/make_panel_of_normals.sh"
