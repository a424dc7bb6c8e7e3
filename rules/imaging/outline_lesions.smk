"""Regions without a network.

Inputs:  data set of `prepare_bids`, gates of `check_images`, outlines of the sheet
Outputs: <results>/outlines/{sample}.nii.gz in one folder, <results>/outlines.tsv
"""


rule outline_lesions:
    """Segmentations that the sheet gives, and lesions by a threshold on their uptake in PET."""
    input:
        sheet=config["samples"],
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        checks="<results>/checks.tsv",
        outlines=imaging_plan.outline_sources(SAMPLES),
    output:
        masks=directory("<results>/outlines"),
        table="<results>/outlines.tsv",
    log:
        "<logs>/outline_lesions/outlines.log",
    benchmark:
        "<benchmarks>/outline_lesions/outlines.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        settings=config["uptake"],
        names=config.get("outline_names") or {},
        library=library("imaging/outline_lesions"),
    script:
        "../../scripts/imaging/outline_lesions.py"
