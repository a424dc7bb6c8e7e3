"""The BIDS validator on the data set and its derivatives.

Inputs:  <results>/bids/, <results>/derivatives/
Outputs: <results>/bids_validation.tsv
"""


rule validate_bids:
    """Made on demand: errors stop, warnings are listed with what is known of them."""
    input:
        folders=["<results>/bids", "<results>/derivatives"],
    output:
        table="<results>/bids_validation.tsv",
    log:
        "<logs>/validate_bids/validation.log",
    benchmark:
        "<benchmarks>/validate_bids/validation.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=30,
    params:
        library=library("imaging/validate_bids"),
    script:
        "../../scripts/imaging/validate_bids.py"
