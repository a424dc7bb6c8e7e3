"""Outline the left ventricle in cine series.

Inputs:  images and contours of `sort_cines`
Outputs: <results>/cine/folds/{fold}/{regions/,weights.pt,model.json}
"""


rule segment_cines:
    """Trains on the patients of the other folds: none is outlined by a network that has seen their contours."""
    input:
        frames="<results>/cine/frames.tsv",
        images="<results>/cine/images",
        references="<results>/cine/references",
    output:
        regions=directory("<results>/cine/folds/{fold}/regions"),
        weights="<results>/cine/folds/{fold}/weights.pt",
        model="<results>/cine/folds/{fold}/model.json",
    log:
        "<logs>/segment_cines/{fold}.log",
    benchmark:
        "<benchmarks>/segment_cines/{fold}.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=120,
    params:
        settings=config["cine"]["network"],
        library=library("imaging/segment_cines"),
    script:
        "../../scripts/imaging/segment_cines.py"
