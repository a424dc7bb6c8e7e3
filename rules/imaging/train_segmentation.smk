"""Train the segmentation network.

Inputs:  images and labels of the training sheet
Outputs: <results>/model/{weights.pt,model.json,card.md,history.tsv,history.png}
"""


rule train_segmentation:
    """3D U-Net, seeded; the epoch with the best Dice on held-out validation cases is kept."""
    input:
        sheet=config["network"]["training"],
        images=list(TRAINING["image"]),
        labels=list(TRAINING["label"]),
    output:
        weights="<results>/model/weights.pt",
        model="<results>/model/model.json",
        card="<results>/model/card.md",
        history="<results>/model/history.tsv",
        picture=report(
            "<results>/model/history.png", caption="../../workflows/imaging/report/history.rst", category="Imaging"
        ),
    log:
        "<logs>/train_segmentation/train.log",
    benchmark:
        "<benchmarks>/train_segmentation/train.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=240,
        gpu=1,
    params:
        settings=config["network"],
        library=library("imaging/train_segmentation"),
    script:
        "../../scripts/imaging/train_segmentation.py"
