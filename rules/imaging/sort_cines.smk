"""Sort cine series of the heart.

Inputs:  series of `deidentify_series` (or as the cine sheet names them), contours of the cine sheet
Outputs: <results>/cine/frames.tsv, <results>/cine/{images,references}/{sample}.nii.gz, <results>/cine/refused.tsv
"""


rule sort_cines:
    """Slices by position along their normal, phases by time in the beat; contours as label maps and areas."""
    input:
        series=imaging_plan.cine_sources(CINES, DEIDENTIFY),
        contours=imaging_plan.contour_sources(CINES),
    output:
        frames="<results>/cine/frames.tsv",
        images=directory("<results>/cine/images"),
        references=directory("<results>/cine/references"),
        refused="<results>/cine/refused.tsv",
    log:
        "<logs>/sort_cines/cines.log",
    benchmark:
        "<benchmarks>/sort_cines/cines.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        rows=imaging_plan.cine_rows(CINES),
        library=library("imaging/sort_cines"),
    script:
        "../../scripts/imaging/sort_cines.py"
