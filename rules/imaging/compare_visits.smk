"""Change between the visits of a patient.

Inputs:  sheet with the column `visit`, measurements, intervals of the network's volumes
Outputs: <results>/changes.tsv, <results>/changes.png
"""


rule compare_visits:
    """A change counts as clear only where the intervals of the two volumes do not meet."""
    input:
        sheet=config["samples"],
        measurements="<results>/measurements.tsv",
        intervals=["<results>/volume_intervals.tsv"] if NETWORK else [],
    output:
        changes="<results>/changes.tsv",
        picture=report(
            "<results>/changes.png", caption="../../workflows/imaging/report/changes.rst", category="Imaging"
        ),
    log:
        "<logs>/compare_visits/changes.log",
    benchmark:
        "<benchmarks>/compare_visits/changes.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=20,
    params:
        library=library("imaging/compare_visits"),
    script:
        "../../scripts/imaging/compare_visits.py"
