"""Sequence the normal and the tumour of each patient.

Inputs:  the reference of `simulate_reference`, the plan of `plan_cohort`
Outputs: <results>/genomics/reads/{patient}_{role}_R1.fastq.gz and _R2,
         <results>/truth/genomics/{patient}_{role}.vcf.gz, what was planted, indexed
"""


rule simulate_reads:
    """Reads as a sequencer gives them; germline variants come from the family, somatic ones from the plan."""
    input:
        reference="<results>/genomics/reference.fa.gz",
        reference_index=multiext("<results>/genomics/reference.fa.gz", ".fai", ".gzi"),
        targets="<results>/genomics/targets.bed",
        population="<results>/truth/genomics/population.tsv",
        driver="<results>/truth/genomics/driver.tsv",
        plan="<results>/truth/patients.tsv",
    output:
        reads_1="<results>/genomics/reads/{patient}_{role}_R1.fastq.gz",
        reads_2="<results>/genomics/reads/{patient}_{role}_R2.fastq.gz",
        truth="<results>/truth/genomics/{patient}_{role}.vcf.gz",
        truth_index="<results>/truth/genomics/{patient}_{role}.vcf.gz.tbi",
    log:
        "<logs>/simulate_reads/{patient}_{role}.log",
    benchmark:
        "<benchmarks>/simulate_reads/{patient}_{role}.tsv"
    wildcard_constraints:
        patient=r"P\d+",
        role="normal|tumour",
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=30,
    params:
        seed=config["seed"],
        settings=config["genomics"],
        library=library("synthetic/simulate_reads"),
    script:
        "../../scripts/synthetic/simulate_reads.py"
