"""Masks, label maps and defaced heads in the layout of BIDS Derivatives.

Inputs:  brain masks, regions of the network, outlines, defaced heads
Outputs: <results>/derivatives/
"""


rule write_derivatives:
    """Made on demand: what was measured, where other programs look for it."""
    input:
        conversion="<results>/conversion.tsv",
        brains="<results>/brains",
        model=["<results>/model/model.json"] if NETWORK else [],
        masks=["<results>/regions"] if NETWORK else [],
        outlines=["<results>/outlines"] if OUTLINES else [],
        defaced=["<results>/defaced"] if DEFACING else [],
    output:
        folder=directory("<results>/derivatives"),
    log:
        "<logs>/write_derivatives/derivatives.log",
    benchmark:
        "<benchmarks>/write_derivatives/derivatives.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=30,
    params:
        library=library("imaging/write_derivatives"),
    script:
        "../../scripts/imaging/write_derivatives.py"
