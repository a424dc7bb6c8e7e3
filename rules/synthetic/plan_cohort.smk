"""Plan the synthetic cohort.

Inputs:  none but the config
Outputs: <results>/truth/patients.tsv, one row per patient
"""


rule plan_cohort:
    """The only step that knows the subtype turns it into numbers; the simulators read these alone."""
    output:
        plan="<results>/truth/patients.tsv",
    log:
        "<logs>/plan_cohort/plan.log",
    benchmark:
        "<benchmarks>/plan_cohort/plan.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        seed=config["seed"],
        patients=config["patients"],
        effect_size=config["effect_size"],
        settings=config["cohort"],
        library=library("synthetic/plan_cohort"),
    script:
        "../../scripts/synthetic/plan_cohort.py"
