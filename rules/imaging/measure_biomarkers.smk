"""All image biomarkers of IBSI, and which of them are stable.

Inputs:  images, regions of `segment_regions`, outlines of `outline_lesions`
Outputs: <results>/biomarkers.tsv, stability.tsv, stable_biomarkers.tsv, stability.png
"""


rule measure_biomarkers:
    """Every region as it is and under small changes; features that the changes move go no further."""
    input:
        bids="<results>/bids",
        conversion="<results>/conversion.tsv",
        checks="<results>/checks.tsv",
        model=["<results>/model/model.json"] if NETWORK else [],
        masks=["<results>/regions"] if NETWORK else [],
        outlines=["<results>/outlines"] if OUTLINES else [],
    output:
        biomarkers="<results>/biomarkers.tsv",
        stability="<results>/stability.tsv",
        stable="<results>/stable_biomarkers.tsv",
        picture=report(
            "<results>/stability.png", caption="../../workflows/imaging/report/stability.rst", category="Imaging"
        ),
    log:
        "<logs>/measure_biomarkers/biomarkers.log",
    benchmark:
        "<benchmarks>/measure_biomarkers/biomarkers.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=120,
    params:
        settings=config["radiomics"],
        library=library("imaging/measure_biomarkers"),
    script:
        "../../scripts/imaging/measure_biomarkers.py"
