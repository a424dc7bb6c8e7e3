"""Order of cells along a continuous process; only where the config names its beginning (`pseudotime`).

Inputs:  cells.h5ad of `annotate_cells`
Outputs: <results>/pseudotime.tsv.gz (cells), pseudotime_genes.tsv, pseudotime_graph.tsv, figures/pseudotime*.png
"""


rule order_cells:
    """Diffusion pseudotime on the graph of the clusters; genes that follow it, donor by donor; PAGA."""
    input:
        cells="<results>/cells.h5ad",
    output:
        table="<results>/pseudotime.tsv.gz",
        trends="<results>/pseudotime_genes.tsv",
        links="<results>/pseudotime_graph.tsv",
        figure=FIGURE("<results>/figures/pseudotime.png", caption=f"{CAPTIONS}/pseudotime.rst"),
        graph_figure=FIGURE("<results>/figures/pseudotime_graph.png", caption=f"{CAPTIONS}/pseudotime_graph.rst"),
    log:
        "<logs>/order_cells/cells.log",
    benchmark:
        "<benchmarks>/order_cells/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=60,
    params:
        settings=config["pseudotime"],
        library=library("singlecell/order_cells"),
    script:
        "../../scripts/singlecell/order_cells.py"
