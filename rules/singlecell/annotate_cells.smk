"""Cell types and markers of the clusters.

Inputs:  clustered cells of `cluster_cells`, the marker table
Outputs: <results>/cells.h5ad (the result that the scanpy ecosystem opens), <results>/cells.tsv.gz,
         <results>/cluster_types.tsv, <results>/cluster_markers.tsv
"""


rule annotate_cells:
    """A cluster gets the type whose published markers it shows best, or none if that is not clear."""
    input:
        clustered="<results>/clustered.h5ad",
        marker_table=MARKER_TABLE,
    output:
        cells="<results>/cells.h5ad",
        table="<results>/cells.tsv.gz",
        types="<results>/cluster_types.tsv",
        markers="<results>/cluster_markers.tsv",
    log:
        "<logs>/annotate_cells/cells.log",
    benchmark:
        "<benchmarks>/annotate_cells/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: min(len(ROWS), 4)
    resources:
        mem_mb=scaled(4000),
        runtime=120,
    params:
        seed=config["seed"],
        settings=config["annotation"],
        library=library("singlecell/annotate_cells"),
    script:
        "../../scripts/singlecell/annotate_cells.py"
