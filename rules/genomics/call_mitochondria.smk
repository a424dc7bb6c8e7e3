"""Variants of the mitochondrial genome of one normal sample.

Inputs:  alignments of `align_reads`, the reference, config: mitochondria
Outputs: <results>/mitochondria/{sample}.vcf.gz, indexed: alleles with their share of fragments (heteroplasmy) in FORMAT/AF
"""


rule call_mitochondria:
    """Any share of molecules may carry an allele: each is tested against sequencing error, fragment by fragment."""
    input:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        variants="<results>/mitochondria/{sample}.vcf.gz",
        variants_index="<results>/mitochondria/{sample}.vcf.gz.tbi",
    log:
        "<logs>/call_mitochondria/{sample}.log",
    benchmark:
        "<benchmarks>/call_mitochondria/{sample}.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=120,
    params:
        settings=config["mitochondria"],
        library=library("genomics/call_mitochondria"),
    script:
        "../../scripts/genomics/call_mitochondria.py"
