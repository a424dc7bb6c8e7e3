"""Draw the figures of the cohort study.

Inputs:  tables of `join_features`, `discover_subtypes`, `compare_groups` and `analyse_outcome`
Outputs: <results>/figures/{heat_map,patient_map,survival,effects,missingness}.png
"""

FIGURE = partial(report, category="Cohort")


rule plot_cohort:
    """Five figures in one job: loading matplotlib takes longer than drawing them."""
    input:
        features="<results>/features.tsv",
        dictionary="<results>/feature_dictionary.tsv",
        missing="<results>/missingness.tsv",
        subtypes="<results>/subtypes.tsv",
        components="<results>/structure_test.tsv",
        comparisons="<results>/comparisons.tsv",
        curves="<results>/survival_curves.tsv",
        outcome="<results>/outcome.tsv",
    output:
        heat_map=FIGURE("<results>/figures/heat_map.png", caption="../../workflows/cohort/report/heat_map.rst"),
        patient_map=FIGURE("<results>/figures/patient_map.png", caption="../../workflows/cohort/report/patient_map.rst"),
        survival=FIGURE("<results>/figures/survival.png", caption="../../workflows/cohort/report/survival.rst"),
        effects=FIGURE("<results>/figures/effects.png", caption="../../workflows/cohort/report/effects.rst"),
        missingness=FIGURE("<results>/figures/missingness.png", caption="../../workflows/cohort/report/missingness.rst"),
    log:
        "<logs>/plot_cohort/cohort.log",
    benchmark:
        "<benchmarks>/plot_cohort/cohort.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=10,
    params:
        adjust_for=config["discovery"]["adjust_for"],
        library=library("cohort/plot_cohort"),
    script:
        "../../scripts/cohort/plot_cohort.py"
