"""Quality gates and contact sheet.

Inputs:  data set and conversion table of `prepare_bids`
Outputs: <results>/checks.tsv, <results>/checks.png
"""


rule check_images:
    """Empty, cut or distorted images end here, with the reason in the table, not as a wrong number later."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
    output:
        checks="<results>/checks.tsv",
        picture=report("<results>/checks.png", caption="../../workflows/imaging/report/checks.rst", category="Imaging"),
    log:
        "<logs>/check_images/checks.log",
    benchmark:
        "<benchmarks>/check_images/checks.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        minimum_slices=config["checks"]["minimum_slices"],
        library=library("imaging/check_images"),
    script:
        "../../scripts/imaging/check_images.py"
