"""A page to look at images and regions in a browser.

Inputs:  images, masks and measurements; NiiVue and its licence (workflows/imaging/report/)
Outputs: <results>/viewer.html, which needs no network
"""


rule draw_viewer:
    """NiiVue with a few images inside; nobody has to install a viewer to see what was measured."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        measurements="<results>/measurements.tsv",
        brains="<results>/brains",
        model=["<results>/model/model.json"] if NETWORK else [],
        masks=["<results>/regions"] if NETWORK else [],
        outlines=["<results>/outlines"] if OUTLINES else [],
        template=workflow.source_path("../../workflows/imaging/report/viewer.html"),
        niivue=workflow.source_path("../../workflows/imaging/report/niivue.umd.js.gz"),
        licence=workflow.source_path("../../workflows/imaging/report/niivue.LICENSE"),
    output:
        viewer=report("<results>/viewer.html", caption="../../workflows/imaging/report/viewer.rst", category="Imaging"),
    log:
        "<logs>/draw_viewer/viewer.log",
    benchmark:
        "<benchmarks>/draw_viewer/viewer.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=30,
    params:
        images=VIEWER["images"],
        library=library("imaging/draw_viewer"),
    script:
        "../../scripts/imaging/draw_viewer.py"
