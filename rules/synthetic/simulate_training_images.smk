"""Simulate the labelled images on which the lesion network is trained.

Inputs:  none but the config
Outputs: <results>/imaging/training/, the training sheet
"""

TRAINING_CASES = [f"T{number:03d}" for number in range(1, config["imaging"]["training_cases"] + 1)]


rule simulate_training_images:
    """Other invented patients than the cohort's: a network must not be trained on what it measures."""
    output:
        images=expand("<results>/imaging/training/{case}_image.nii.gz", case=TRAINING_CASES),
        labels=expand("<results>/imaging/training/{case}_label.nii.gz", case=TRAINING_CASES),
        sheet="<results>/sheets/imaging.training.tsv",
    log:
        "<logs>/simulate_training_images/training.log",
    benchmark:
        "<benchmarks>/simulate_training_images/training.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=20,
    params:
        seed=config["seed"],
        settings=config["imaging"],
        library=library("synthetic/simulate_training_images"),
    script:
        "../../scripts/synthetic/simulate_training_images.py"
