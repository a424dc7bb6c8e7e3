"""Clinical table of the synthetic cohort.

Inputs:  the plan of `plan_cohort`
Outputs: <results>/cohort/clinical.tsv, one row per patient
"""


rule list_clinical:
    """What the cohort workflow may know of a patient: arm and outcome, not the planted subtype."""
    input:
        plan="<results>/truth/patients.tsv",
    output:
        clinical="<results>/cohort/clinical.tsv",
    log:
        "<logs>/list_clinical/clinical.log",
    benchmark:
        "<benchmarks>/list_clinical/clinical.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        library=library("synthetic/list_clinical"),
    script:
        "../../scripts/synthetic/list_clinical.py"
