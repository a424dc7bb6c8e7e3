"""Invent the reference that all patients are sequenced against.

Inputs:  none but the config
Outputs: <results>/genomics/reference.fa.gz (bgzip, indexed), genes.gff3, targets.bed;
         <results>/truth/genomics/population.tsv and driver.tsv
"""


rule simulate_reference:
    """Contigs, genes that code for something, the panel over them, and the variants that people carry."""
    output:
        reference="<results>/genomics/reference.fa.gz",
        reference_index=multiext("<results>/genomics/reference.fa.gz", ".fai", ".gzi"),
        gene_model="<results>/genomics/genes.gff3",
        targets="<results>/genomics/targets.bed",
        population="<results>/truth/genomics/population.tsv",
        driver="<results>/truth/genomics/driver.tsv",
    log:
        "<logs>/simulate_reference/reference.log",
    benchmark:
        "<benchmarks>/simulate_reference/reference.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        seed=config["seed"],
        settings=config["genomics"],
        library=library("synthetic/simulate_reference"),
    script:
        "../../scripts/synthetic/simulate_reference.py"
