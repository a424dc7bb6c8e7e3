"""Somatic calls on a page, with their reads.

Inputs:  table of `summarise_tumours`, alignments of `align_reads`, the reference
Outputs: <results>/variants.html, which needs no network
"""


rule report_variants:
    """An interactive table of all calls; reads of tumour and normal (igv.js) for drivers and doubtful calls first."""
    input:
        variants="<results>/somatic_variants.tsv",
        alignments=expand("<results>/alignments/{sample}.cram", sample=WITH_TUMOUR),
        alignments_index=expand("<results>/alignments/{sample}.cram.crai", sample=WITH_TUMOUR),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        template=workflow.source_path("../../workflows/genomics/report/variants.html"),
    output:
        page="<results>/variants.html",
    log:
        "<logs>/report_variants/page.log",
    benchmark:
        "<benchmarks>/report_variants/page.tsv"
    conda:
        "../../envs/genomics_analysis.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=60,
    params:
        samples=WITH_TUMOUR,
        normals={tumour: NORMALS_OF[tumour][0] for tumour in PAIRED},
        settings=config["tumour"]["evidence"],
        library=library("genomics/report_variants"),
    script:
        "../../scripts/genomics/report_variants.py"
