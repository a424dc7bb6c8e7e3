"""Real images that pinned packages ship, for runs without any download.

Inputs:  none
Outputs: <results>/packaged/{packaged}
"""


rule fetch_packaged:
    """Copies out of the installed package, so that no path into an environment stands in a sheet."""
    output:
        target="<results>/packaged/{packaged}",
    log:
        "<logs>/fetch_packaged/{packaged}.log",
    benchmark:
        "<benchmarks>/fetch_packaged/{packaged}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=10,
    params:
        source=lambda wildcards: config["packaged"][wildcards.packaged]["source"],
        sha256=lambda wildcards: config["packaged"][wildcards.packaged]["sha256"],
        library=library("imaging/fetch_packaged"),
    script:
        "../../scripts/imaging/fetch_packaged.py"
