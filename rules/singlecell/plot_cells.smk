"""Figures of the report.

Inputs:  cells.h5ad and the tables of the other steps
Outputs: <results>/figures/*.png, <results>/figures/marker_dots.tsv
"""


rule plot_cells:
    """All figures in one job, from results only."""
    input:
        cells="<results>/cells.h5ad",
        tables=expand("<results>/samples/{sample}.quality.tsv", sample=ROWS),
        composition="<results>/composition.tsv",
        composition_test="<results>/composition_test.tsv",
        expression="<results>/expression.tsv",
        markers="<results>/cluster_markers.tsv",
        marker_table=MARKER_TABLE,
    output:
        umap_types=FIGURE("<results>/figures/umap_types.png", caption=f"{CAPTIONS}/umap_types.rst"),
        umap_samples=FIGURE("<results>/figures/umap_samples.png", caption=f"{CAPTIONS}/umap_samples.rst"),
        umap_quality=FIGURE("<results>/figures/umap_quality.png", caption=f"{CAPTIONS}/umap_quality.rst"),
        quality=FIGURE("<results>/figures/quality.png", caption=f"{CAPTIONS}/quality.rst"),
        composition=FIGURE("<results>/figures/composition.png", caption=f"{CAPTIONS}/composition.rst"),
        volcano=FIGURE("<results>/figures/volcano.png", caption=f"{CAPTIONS}/volcano.rst"),
        marker_dots=FIGURE("<results>/figures/marker_dots.png", caption=f"{CAPTIONS}/marker_dots.rst"),
        marker_table="<results>/figures/marker_dots.tsv",
    log:
        "<logs>/plot_cells/cells.log",
    benchmark:
        "<benchmarks>/plot_cells/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=30,
    params:
        samples=list(ROWS),
        settings=config["comparison"],
        library=library("singlecell/plot_cells"),
    script:
        "../../scripts/singlecell/plot_cells.py"
