"""Apply the trained network.

Inputs:  data set of `prepare_bids`, gates of `check_images`, weights of `train_segmentation`
Outputs: <results>/regions/{sample}.nii.gz in one folder
"""


rule segment_regions:
    """All images in one job: starting torch takes longer than segmenting a volume."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        checks="<results>/checks.tsv",
        weights="<results>/model/weights.pt",
        model="<results>/model/model.json",
    output:
        masks=directory("<results>/regions"),
        doubt=directory("<results>/doubt"),
        intervals="<results>/volume_intervals.tsv",
        picture=report("<results>/doubt.png", caption="../../workflows/imaging/report/doubt.rst", category="Imaging"),
    log:
        "<logs>/segment_regions/regions.log",
    benchmark:
        "<benchmarks>/segment_regions/regions.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=120,
        gpu=1,
    params:
        library=library("imaging/segment_regions"),
    script:
        "../../scripts/imaging/segment_regions.py"
