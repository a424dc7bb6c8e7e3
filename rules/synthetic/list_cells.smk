"""Sample sheet and truth of the simulated cells.

Inputs:  counts and truth tables of `simulate_cells`
Outputs: <results>/sheets/singlecell.samples.tsv and <results>/truth/{cells.tsv.gz,de_genes.tsv,composition.tsv}
"""


rule list_cells:
    """One row per patient, as the single-cell workflow reads it."""
    input:
        folders=expand("<results>/singlecell/{patient}", patient=PATIENTS),
        truths=expand("<results>/truth/singlecell/{patient}_cells.tsv", patient=PATIENTS),
        responses=expand("<results>/truth/singlecell/{patient}_de_genes.tsv", patient=PATIENTS),
        shares=expand("<results>/truth/singlecell/{patient}_composition.tsv", patient=PATIENTS),
    output:
        sheet="<results>/sheets/singlecell.samples.tsv",
        cells="<results>/truth/cells.tsv.gz",
        genes="<results>/truth/de_genes.tsv",
        composition="<results>/truth/composition.tsv",
    log:
        "<logs>/list_cells/cells.log",
    benchmark:
        "<benchmarks>/list_cells/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        patients=PATIENTS,
        library=library("synthetic/list_cells"),
    script:
        "../../scripts/synthetic/list_cells.py"
