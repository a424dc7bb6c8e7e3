"""Score discovered subtypes where the true ones are known.

Inputs:  subtypes of `discover_subtypes`, the truth table of the config
Outputs: <results>/scores.tsv
"""


rule score_cohort:
    """Adjusted Rand index against the truth, with the probability of as much agreement by chance."""
    input:
        subtypes="<results>/subtypes.tsv",
        truth=config["truth"] or [],
    output:
        scores="<results>/scores.tsv",
    log:
        "<logs>/score_cohort/cohort.log",
    benchmark:
        "<benchmarks>/score_cohort/cohort.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        permutations=config["discovery"]["permutations"],
        seed=config["seed"],
        library=library("cohort/score_cohort"),
    script:
        "../../scripts/cohort/score_cohort.py"
