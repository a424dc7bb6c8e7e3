"""Compare features between subtypes and between treatment arms.

Inputs:  tables of `join_features`, subtypes of `discover_subtypes`
Outputs: <results>/comparisons.tsv
"""


rule compare_groups:
    """Effect sizes with intervals; a feature is tested only between groups that were found without its modality."""
    input:
        features="<results>/features.tsv",
        dictionary="<results>/feature_dictionary.tsv",
        subtypes="<results>/subtypes.tsv",
    output:
        comparisons=report(
            "<results>/comparisons.tsv", caption="../../workflows/cohort/report/comparisons.rst", category="Cohort"
        ),
    log:
        "<logs>/compare_groups/cohort.log",
    benchmark:
        "<benchmarks>/compare_groups/cohort.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=30,
    params:
        settings=config["comparison"],
        seed=config["seed"],
        library=library("cohort/compare_groups"),
    script:
        "../../scripts/cohort/compare_groups.py"
