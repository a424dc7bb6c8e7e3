"""The annotated cells as a Zarr store; only where the config asks for it (`zarr: true`).

Inputs:  cells.h5ad of `annotate_cells`
Outputs: <results>/cells.zarr
"""


rule export_zarr:
    """The same AnnData in a form that is read in parts, for viewers, clouds and data larger than memory."""
    input:
        cells="<results>/cells.h5ad",
    output:
        store=directory("<results>/cells.zarr"),
    log:
        "<logs>/export_zarr/cells.log",
    benchmark:
        "<benchmarks>/export_zarr/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=60,
    params:
        library=library("singlecell/export_zarr"),
    script:
        "../../scripts/singlecell/export_zarr.py"
