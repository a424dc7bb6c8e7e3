"""Measurements as DICOM structured report.

Inputs:  de-identified series, segmentations of `write_dicom_seg`, table of `measure_regions`
Outputs: <results>/dicom_sr/{sample}.dcm in one folder, <results>/dicom_sr.tsv
"""


rule write_dicom_sr:
    """TID 1500; each measurement group refers to its segment, the report to all images."""
    input:
        series=list(SOURCES.values()),
        segmentations="<results>/dicom_seg",
        measurements="<results>/measurements.tsv",
    output:
        folder=directory("<results>/dicom_sr"),
        table="<results>/dicom_sr.tsv",
    log:
        "<logs>/write_dicom_sr/reports.log",
    benchmark:
        "<benchmarks>/write_dicom_sr/reports.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=60,
    params:
        samples=list(SOURCES),
        library=library("imaging/write_dicom_sr"),
    script:
        "../../scripts/imaging/write_dicom_sr.py"
