"""Look for disease subtypes without looking at outcome.

Inputs:  tables of `join_features`
Outputs: <results>/subtypes.tsv, structure_test.tsv, feature_separation.tsv and consensus.tsv
"""


rule discover_subtypes:
    """Subtypes on which the modalities agree more than by chance; none is a possible answer."""
    input:
        features="<results>/features.tsv",
        dictionary="<results>/feature_dictionary.tsv",
    output:
        subtypes=report(
            "<results>/subtypes.tsv", caption="../../workflows/cohort/report/patients.rst", category="Cohort"
        ),
        components="<results>/structure_test.tsv",
        separations="<results>/feature_separation.tsv",
        agreement="<results>/consensus.tsv",
    log:
        "<logs>/discover_subtypes/cohort.log",
    benchmark:
        "<benchmarks>/discover_subtypes/cohort.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=30,
    params:
        settings=config["discovery"],
        seed=config["seed"],
        library=library("cohort/discover_subtypes"),
    script:
        "../../scripts/cohort/discover_subtypes.py"
