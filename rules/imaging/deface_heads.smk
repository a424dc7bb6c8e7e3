"""Heads without faces.

Inputs:  images of `prepare_bids` that passed the gates, brain masks of `segment_brains`
Outputs: <results>/defaced/, <results>/defaced.tsv, <results>/defaced.png
"""


rule deface_heads:
    """Cuts along a plane in front of the brain; no voxel of the brain mask changes, and that is checked in what was written."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        checks="<results>/checks.tsv",
        evidence="<results>/brains.tsv",
        brains="<results>/brains",
    output:
        folder=directory("<results>/defaced"),
        table="<results>/defaced.tsv",
        picture=report(
            "<results>/defaced.png", caption="../../workflows/imaging/report/defaced.rst", category="Imaging"
        ),
    log:
        "<logs>/deface_heads/defaced.log",
    benchmark:
        "<benchmarks>/deface_heads/defaced.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        margin_mm=DEFACING["margin_mm"],
        library=library("imaging/deface_heads"),
    script:
        "../../scripts/imaging/deface_heads.py"
