"""Sequence a few small single-cell libraries.

Inputs:  marker genes and gene sets
Outputs: <results>/singlecell_reads/ (genome, gene model, list of barcodes, FASTQ), <results>/truth/read_molecules.tsv.gz,
         <results>/truth/read_cells.tsv.gz
"""


rule simulate_cell_reads:
    """Reads of planted molecules with PCR copies, errors, paralogous genes and empty droplets."""
    input:
        markers="config/markers/pbmc.yaml",
        gene_sets="config/markers/gene_sets.yaml",
    output:
        folder=directory("<results>/singlecell_reads"),
        molecules="<results>/truth/read_molecules.tsv.gz",
        cells="<results>/truth/read_cells.tsv.gz",
    log:
        "<logs>/simulate_cell_reads/cells.log",
    benchmark:
        "<benchmarks>/simulate_cell_reads/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=10,
    params:
        seed=config["seed"],
        settings=config["cell_reads"],
        library=library("synthetic/simulate_cell_reads"),
    script:
        "../../scripts/synthetic/simulate_cell_reads.py"
