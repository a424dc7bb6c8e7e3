"""Pictures of the left ventricle over the heart beat.

Inputs:  images, outlines, measurements of the cine steps
Outputs: <results>/cine/{curves.png,montage.png}
"""


rule draw_cines:
    """Volume curves, and outlines of network and contours over the images."""
    input:
        frames="<results>/cine/frames.tsv",
        images="<results>/cine/images",
        references="<results>/cine/references",
        regions=expand("<results>/cine/folds/{fold}/regions", fold=FOLDS),
        measurements="<results>/cine/measurements.tsv",
        volumes="<results>/cine/volumes.tsv",
    output:
        curves=report(
            "<results>/cine/curves.png", caption="../../workflows/imaging/report/cine.rst", category="Imaging"
        ),
        montage=report(
            "<results>/cine/montage.png", caption="../../workflows/imaging/report/cine.rst", category="Imaging"
        ),
    log:
        "<logs>/draw_cines/cines.log",
    benchmark:
        "<benchmarks>/draw_cines/cines.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=30,
    params:
        library=library("imaging/draw_cines"),
    script:
        "../../scripts/imaging/draw_cines.py"
