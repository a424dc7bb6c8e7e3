"""One BIDS data set of all images.

Inputs:  series of `deidentify_series` with their decisions, NIfTI images of the sheet
Outputs: <results>/bids/, <results>/conversion.tsv, <results>/review.tsv
"""


rule prepare_bids:
    """dcm2niix without identifying sidecar keys; one job, since a conversion takes a tenth of a second."""
    input:
        sheet=config["samples"],
        images=imaging_plan.image_sources(SAMPLES, DEIDENTIFY),
        decisions=expand("<results>/decisions/{sample}.json", sample=SERIES if DEIDENTIFY else []),
    output:
        bids=directory("<results>/bids"),
        conversion="<results>/conversion.tsv",
        review="<results>/review.tsv",
    log:
        "<logs>/prepare_bids/bids.log",
    benchmark:
        "<benchmarks>/prepare_bids/bids.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        library=library("imaging/prepare_bids"),
    script:
        "../../scripts/imaging/prepare_bids.py"
