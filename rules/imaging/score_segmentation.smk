"""Agreement with reference labels and volumes.

Inputs:  masks, measurements, the labels that the sheet names
Outputs: <results>/scores.tsv, <results>/scores.png
"""


rule score_segmentation:
    """Dice and volume error per region; the references are read here and nowhere else."""
    input:
        sheet=config["samples"],
        labels=imaging_plan.label_sources(SAMPLES),
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        measurements="<results>/measurements.tsv",
        brains="<results>/brains",
        model=["<results>/model/model.json"] if NETWORK else [],
        masks=["<results>/regions"] if NETWORK else [],
        outlines=["<results>/outlines"] if OUTLINES else [],
    output:
        scores="<results>/scores.tsv",
        picture=report("<results>/scores.png", caption="../../workflows/imaging/report/scores.rst", category="Imaging"),
    log:
        "<logs>/score_segmentation/scores.log",
    benchmark:
        "<benchmarks>/score_segmentation/scores.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        library=library("imaging/score_segmentation"),
    script:
        "../../scripts/imaging/score_segmentation.py"
