"""Copy numbers of tumours.

Inputs:  depths per bin of `profile_tumour`, of tumours with a normal
Outputs: <results>/copy_number.tsv: segments with their state; <results>/figures/copy_number.png
"""


rule call_copy_number:
    """Segments of log2 ratios of tumour over normal (CNVkit), gains and losses among them."""
    input:
        bins=expand("<results>/somatic/bins/{sample}.tsv", sample=PAIRED),
    output:
        calls="<results>/copy_number.tsv",
        figure=report(
            "<results>/figures/copy_number.png",
            caption="../../workflows/genomics/report/copy_number.rst",
            category="Genomics",
        ),
    log:
        "<logs>/call_copy_number/tumours.log",
    benchmark:
        "<benchmarks>/call_copy_number/tumours.tsv"
    conda:
        "../../envs/genomics_analysis.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=120,
    params:
        samples=PAIRED,
        settings=config["tumour"]["copy_number"],
        library=library("genomics/call_copy_number"),
    script:
        "../../scripts/genomics/call_copy_number.py"
