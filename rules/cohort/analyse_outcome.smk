"""Relate subtype and treatment to survival and response.

Inputs:  features.tsv of `join_features`, subtypes of `discover_subtypes`
Outputs: <results>/survival_curves.tsv, outcome.tsv
"""


rule analyse_outcome:
    """Outcome took no part in finding the subtypes; methods suit few patients and few events."""
    input:
        features="<results>/features.tsv",
        subtypes="<results>/subtypes.tsv",
    output:
        curves="<results>/survival_curves.tsv",
        outcome=report("<results>/outcome.tsv", caption="../../workflows/cohort/report/outcome.rst", category="Cohort"),
    log:
        "<logs>/analyse_outcome/cohort.log",
    benchmark:
        "<benchmarks>/analyse_outcome/cohort.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=30,
    params:
        settings=config["comparison"],
        seed=config["seed"],
        library=library("cohort/analyse_outcome"),
    script:
        "../../scripts/cohort/analyse_outcome.py"
