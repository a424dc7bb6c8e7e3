"""Simulate cine series of beating hearts.

Inputs:  none but the config
Outputs: <results>/imaging/cine/, the cine sheet, <results>/truth/cines.tsv
"""


rule simulate_cines:
    """Other invented patients than the cohort's, with contours and a planted ejection fraction."""
    output:
        folder=directory("<results>/imaging/cine"),
        sheet="<results>/sheets/imaging.cine.samples.tsv",
        truth="<results>/truth/cines.tsv",
    log:
        "<logs>/simulate_cines/cines.log",
    benchmark:
        "<benchmarks>/simulate_cines/cines.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=10,
    params:
        seed=config["seed"],
        settings=config["imaging"]["cine"],
        library=library("synthetic/simulate_cines"),
    script:
        "../../scripts/synthetic/simulate_cines.py"
