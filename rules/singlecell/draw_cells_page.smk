"""A page of cells to zoom into, without network; only where the config asks for it (`page`).

Inputs:  cells.h5ad of `annotate_cells`, the marker table
Outputs: <results>/cells.html, and <results>/cells_page.tsv.gz with what it shows
"""


rule draw_cells_page:
    """UMAP coloured by type, sample, quality or gene, in one file."""
    input:
        cells="<results>/cells.h5ad",
        markers=MARKER_TABLE,
        template=workflow.source_path("../../workflows/singlecell/report/cells.html"),
    output:
        page=FIGURE("<results>/cells.html", caption=f"{CAPTIONS}/cells.rst"),
        table="<results>/cells_page.tsv.gz",
    log:
        "<logs>/draw_cells_page/cells.log",
    benchmark:
        "<benchmarks>/draw_cells_page/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=30,
    params:
        seed=config["seed"],
        page=config["page"],
        library=library("singlecell/draw_cells_page"),
    script:
        "../../scripts/singlecell/draw_cells_page.py"
