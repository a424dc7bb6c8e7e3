"""Put the study on one page.

Inputs:  tables and figures of the cohort steps, one picture of each of the three workflows
Outputs: <results>/summary.html, self-contained
"""


rule summarise_cohort:
    """For clinical readers: findings in plain words with their uncertainty, pictures, limits, glossary."""
    input:
        features="<results>/features.tsv",
        dictionary="<results>/feature_dictionary.tsv",
        missing="<results>/missingness.tsv",
        subtypes="<results>/subtypes.tsv",
        components="<results>/structure_test.tsv",
        comparisons="<results>/comparisons.tsv",
        outcome="<results>/outcome.tsv",
        scores=["<results>/scores.tsv"] if config["truth"] else [],
        template=workflow.source_path("../../workflows/cohort/report/summary.html.jinja"),
        texts=workflow.source_path("../../workflows/cohort/report/pictures.yaml"),
        heat_map="<results>/figures/heat_map.png",
        patient_map="<results>/figures/patient_map.png",
        survival="<results>/figures/survival.png",
        effects="<results>/figures/effects.png",
        missingness="<results>/figures/missingness.png",
        variants="<root>/genomics/figures/variants.png",
        cells="<root>/singlecell/figures/umap_types.png",
        lesions="<root>/imaging/overlays.png",
    output:
        page=report("<results>/summary.html", caption="../../workflows/cohort/report/summary.rst", category="Cohort"),
    log:
        "<logs>/summarise_cohort/cohort.log",
    benchmark:
        "<benchmarks>/summarise_cohort/cohort.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        adjust_for=config["discovery"]["adjust_for"],
        level=config["comparison"]["level"],
        library=library("cohort/summarise_cohort"),
    script:
        "../../scripts/cohort/summarise_cohort.py"
