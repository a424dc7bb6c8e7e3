"""Volumetry and first radiomics.

Inputs:  images, masks of `segment_brains` and `segment_regions`
Outputs: <results>/measurements.tsv, <results>/refused.tsv, <results>/imaging_features.tsv
"""


rule measure_regions:
    """Shape and first-order features by the definitions of IBSI; also lists what was not measured and why."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        checks="<results>/checks.tsv",
        evidence="<results>/brains.tsv",
        brains="<results>/brains",
        model=["<results>/model/model.json"] if NETWORK else [],
        masks=["<results>/regions"] if NETWORK else [],
        outlines=["<results>/outlines"] if OUTLINES else [],
    output:
        measurements="<results>/measurements.tsv",
        refused="<results>/refused.tsv",
        features="<results>/imaging_features.tsv",
    log:
        "<logs>/measure_regions/measurements.log",
    benchmark:
        "<benchmarks>/measure_regions/measurements.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        bin_width=config["radiomics"]["bin_width"],
        library=library("imaging/measure_regions"),
    script:
        "../../scripts/imaging/measure_regions.py"
