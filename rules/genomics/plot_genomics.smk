"""Figures over all samples.

Inputs:  quality of `sample_qc`, somatic variants of `annotate_somatic`, features of `collect_features`
Outputs: <results>/figures/coverage.png, <results>/figures/variants.png
"""


rule plot_genomics:
    """Coverage of every sample; what each tumour carries, and at which allele fractions."""
    input:
        quality=expand("<results>/qc/samples/{sample}.json", sample=NORMALS + TUMOURS),
        somatic=expand("<results>/somatic/{sample}.vcf.gz", sample=TUMOURS),
        somatic_index=expand("<results>/somatic/{sample}.vcf.gz.tbi", sample=TUMOURS),
        features="<results>/genomics_features.tsv",
    output:
        coverage=report(
            "<results>/figures/coverage.png",
            caption="../../workflows/genomics/report/coverage.rst",
            category="Genomics",
        ),
        variants=report(
            "<results>/figures/variants.png",
            caption="../../workflows/genomics/report/variants.rst",
            category="Genomics",
        ),
    log:
        "<logs>/plot_genomics/figures.log",
    benchmark:
        "<benchmarks>/plot_genomics/figures.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=30,
    params:
        driver_genes=config["driver_genes"],
        library=library("genomics/plot_genomics"),
    script:
        "../../scripts/genomics/plot_genomics.py"
