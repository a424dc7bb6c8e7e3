"""Simulate the DICOM series of one patient.

Inputs:  the plan of `plan_cohort`
Outputs: <results>/imaging/{patient}/ (one folder per series), reference masks and truth tables
"""


rule simulate_images:
    """Valid CT, MR and screen-save series that name the patient in headers, private tags and pixels."""
    input:
        plan="<results>/truth/patients.tsv",
    output:
        folder=directory("<results>/imaging/{patient}"),
        lesion_mask="<results>/truth/imaging/{patient}_lesion.nii.gz",
        brain_mask="<results>/truth/imaging/{patient}_brain.nii.gz",
        lesions="<results>/truth/imaging/{patient}_lesions.tsv",
        phi="<results>/truth/imaging/{patient}_phi.tsv",
    log:
        "<logs>/simulate_images/{patient}.log",
    benchmark:
        "<benchmarks>/simulate_images/{patient}.tsv"
    wildcard_constraints:
        patient=r"P\d+",
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=10,
    params:
        seed=config["seed"],
        settings=config["imaging"],
        library=library("synthetic/simulate_images"),
    script:
        "../../scripts/synthetic/simulate_images.py"
