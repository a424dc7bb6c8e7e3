"""Function of the left ventricle.

Inputs:  areas of the contours of `sort_cines`, outlines of `segment_cines`
Outputs: <results>/cine/{measurements.tsv,volumes.tsv,scores.tsv}
"""


rule measure_cines:
    """End-diastolic and end-systolic volume, ejection fraction, mass; contours and network apart, and compared."""
    input:
        frames="<results>/cine/frames.tsv",
        references="<results>/cine/references",
        regions=expand("<results>/cine/folds/{fold}/regions", fold=FOLDS),
    output:
        measurements="<results>/cine/measurements.tsv",
        volumes="<results>/cine/volumes.tsv",
        scores="<results>/cine/scores.tsv",
    log:
        "<logs>/measure_cines/cines.log",
    benchmark:
        "<benchmarks>/measure_cines/cines.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=30,
    params:
        expected=dict(zip(CINES["sample"], CINES["reference_ef_percent"])),
        library=library("imaging/measure_cines"),
    script:
        "../../scripts/imaging/measure_cines.py"
