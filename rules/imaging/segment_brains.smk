"""Brain masks of T1-weighted heads.

Inputs:  data set of `prepare_bids`, gates of `check_images`, where asked for images of `correct_bias`
Outputs: <results>/brains/{sample}.nii.gz in one folder, <results>/brains.tsv
"""


rule segment_brains:
    """A classical mask, and a judgement whether the object can be a brain: a melon gets no brain volume."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        checks="<results>/checks.tsv",
        evened=["<results>/evened"] if BIAS else [],
    output:
        masks=directory("<results>/brains"),
        evidence="<results>/brains.tsv",
        picture=report("<results>/brains.png", caption="../../workflows/imaging/report/brains.rst", category="Imaging"),
    log:
        "<logs>/segment_brains/brains.log",
    benchmark:
        "<benchmarks>/segment_brains/brains.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=120,
    params:
        library=library("imaging/segment_brains"),
    script:
        "../../scripts/imaging/segment_brains.py"
