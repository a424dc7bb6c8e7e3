"""How well the network does on training cases that it never saw.

Inputs:  images and labels of the training sheet
Outputs: <results>/cross_validation.tsv, <results>/cross_validation_summary.tsv
"""


rule cross_validate_segmentation:
    """One network per fold, judged on the cases of that fold: overlap, volumes, and how often their intervals hold."""
    input:
        sheet=config["network"]["training"],
        images=list(TRAINING["image"]),
        labels=list(TRAINING["label"]),
    output:
        table="<results>/cross_validation.tsv",
        summary="<results>/cross_validation_summary.tsv",
    log:
        "<logs>/cross_validate_segmentation/folds.log",
    benchmark:
        "<benchmarks>/cross_validate_segmentation/folds.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=1200,
        gpu=1,
    params:
        settings=config["network"],
        library=library("imaging/cross_validate_segmentation"),
    script:
        "../../scripts/imaging/cross_validate_segmentation.py"
