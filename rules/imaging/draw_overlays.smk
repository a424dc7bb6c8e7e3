"""Pictures of every segmentation.

Inputs:  images, masks, measurements
Outputs: <results>/overlays/{sample}.png in one folder, <results>/overlays.png
"""


rule draw_overlays:
    """A number without a picture of what was measured is not to be trusted."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        measurements="<results>/measurements.tsv",
        brains="<results>/brains",
        masks=["<results>/regions"] if NETWORK else [],
        outlines=["<results>/outlines"] if OUTLINES else [],
    output:
        overlays=directory("<results>/overlays"),
        picture=report(
            "<results>/overlays.png", caption="../../workflows/imaging/report/overlays.rst", category="Imaging"
        ),
    log:
        "<logs>/draw_overlays/overlays.log",
    benchmark:
        "<benchmarks>/draw_overlays/overlays.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        library=library("imaging/draw_overlays"),
    script:
        "../../scripts/imaging/draw_overlays.py"
