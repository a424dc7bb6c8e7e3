"""Regions as DICOM Segmentation.

Inputs:  de-identified series, masks of `segment_brains` and `segment_regions`
Outputs: <results>/dicom_seg/{sample}.dcm in one folder, <results>/dicom_seg.tsv
"""


rule write_dicom_seg:
    """Masks go back onto the pixels of the series they were made from; nothing is resampled."""
    input:
        series=list(SOURCES.values()),
        conversion="<results>/conversion.tsv",
        checks="<results>/checks.tsv",
        evidence="<results>/brains.tsv",
        brains="<results>/brains",
        model=["<results>/model/model.json"] if NETWORK else [],
        masks=["<results>/regions"] if NETWORK else [],
    output:
        folder=directory("<results>/dicom_seg"),
        table="<results>/dicom_seg.tsv",
    log:
        "<logs>/write_dicom_seg/segmentations.log",
    benchmark:
        "<benchmarks>/write_dicom_seg/segmentations.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        samples=list(SOURCES),
        codes=CLINIC["codes"],
        library=library("imaging/write_dicom_seg"),
    script:
        "../../scripts/imaging/write_dicom_seg.py"
