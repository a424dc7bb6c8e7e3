"""Simulate clinical letters.

Inputs:  the plan of `plan_cohort`
Outputs: <results>/clinical_text/, <results>/sheets/clinical_text.samples.tsv, <results>/truth/letters.tsv
"""


rule simulate_letters:
    """Letters of every patient in several formats and encodings, annotated letters of other people, and the planted truth."""
    input:
        plan="<results>/truth/patients.tsv",
    output:
        folder=directory("<results>/clinical_text"),
        sheet="<results>/sheets/clinical_text.samples.tsv",
        truth="<results>/truth/letters.tsv",
    log:
        "<logs>/simulate_letters/letters.log",
    benchmark:
        "<benchmarks>/simulate_letters/letters.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=20,
    params:
        seed=config["seed"],
        settings=config["clinical_text"],
        library=library("synthetic/simulate_letters"),
    script:
        "../../scripts/synthetic/simulate_letters.py"
