"""Simulate the single-cell counts of one patient.

Inputs:  the plan of `plan_cohort`, marker genes and gene sets
Outputs: <results>/singlecell/{patient}/ (10x folder, 10x H5 or H5AD) and truth tables
"""


rule simulate_cells:
    """Raw counts of blood cells with doublets, dying cells, ambient RNA and planted responses to treatment."""
    input:
        plan="<results>/truth/patients.tsv",
        markers="config/markers/pbmc.yaml",
        gene_sets="config/markers/gene_sets.yaml",
    output:
        folder=directory("<results>/singlecell/{patient}"),
        truth=temp("<results>/truth/singlecell/{patient}_cells.tsv"),
        responses=temp("<results>/truth/singlecell/{patient}_de_genes.tsv"),
        shares=temp("<results>/truth/singlecell/{patient}_composition.tsv"),
    log:
        "<logs>/simulate_cells/{patient}.log",
    benchmark:
        "<benchmarks>/simulate_cells/{patient}.tsv"
    wildcard_constraints:
        patient=r"P\d+",
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=10,
    params:
        seed=config["seed"],
        effect_size=config["effect_size"],
        settings=config["singlecell"],
        library=library("synthetic/simulate_cells"),
    script:
        "../../scripts/synthetic/simulate_cells.py"
