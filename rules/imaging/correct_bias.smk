"""Heads of even brightness.

Inputs:  images of `prepare_bids` that passed the gates
Outputs: <results>/evened/{sample}.nii.gz in one folder, <results>/bias.tsv, <results>/bias.png
"""


rule correct_bias:
    """N4: coils near the head make it brighter there; the brain mask is then sought in what was evened out."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        checks="<results>/checks.tsv",
    output:
        folder=directory("<results>/evened"),
        table="<results>/bias.tsv",
        picture=report("<results>/bias.png", caption="../../workflows/imaging/report/bias.rst", category="Imaging"),
    log:
        "<logs>/correct_bias/bias.log",
    benchmark:
        "<benchmarks>/correct_bias/bias.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=120,
    params:
        shrink=BIAS["shrink"],
        iterations=BIAS["iterations"],
        library=library("imaging/correct_bias"),
    script:
        "../../scripts/imaging/correct_bias.py"
