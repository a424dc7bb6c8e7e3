"""Collect what the three workflows measured of every patient.

Inputs:  <domain>_features.tsv of genomics, singlecell and imaging; the clinical table
Outputs: <results>/features.tsv, feature_dictionary.tsv and missingness.tsv
"""


rule join_features:
    """Join without filling gaps: what is missing is listed with its reason, never imputed."""
    input:
        clinical=config["clinical"],
        genomics="<root>/genomics/genomics_features.tsv",
        singlecell="<root>/singlecell/singlecell_features.tsv",
        imaging="<root>/imaging/imaging_features.tsv",
    output:
        features="<results>/features.tsv",
        dictionary="<results>/feature_dictionary.tsv",
        missing="<results>/missingness.tsv",
    log:
        "<logs>/join_features/cohort.log",
    benchmark:
        "<benchmarks>/join_features/cohort.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        selection=config["features"],
        library=library("cohort/join_features"),
    script:
        "../../scripts/cohort/join_features.py"
