"""Take stock of DICOM trees before a sample sheet is written.

Inputs:  the folders that `inventory.trees` of the config names, the trust centre's linkage file or the project's key
Outputs: <results>/inventory.tsv
"""


rule list_series:
    """One row per series: what it is, its geometry by positions, accepted or refused and why; names nobody."""
    input:
        trees=list(config["inventory"]["trees"].values()),
        key_file=config["deidentification"]["key_file"],
        linkage=config["deidentification"]["linkage"] or [],
    output:
        table="<results>/inventory.tsv",
    log:
        "<logs>/list_series/inventory.log",
    benchmark:
        "<benchmarks>/list_series/inventory.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=240,
    params:
        names=list(config["inventory"]["trees"]),
        library=library("imaging/list_series"),
    script:
        "../../scripts/imaging/list_series.py"
