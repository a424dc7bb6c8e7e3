"""Sample sheet and truth of the simulated images.

Inputs:  folders, masks and truth tables of `simulate_images`
Outputs: <results>/sheets/imaging.samples.tsv, <results>/truth/lesions.tsv, <results>/truth/phi.tsv
"""


rule list_images:
    """One row per DICOM series, as the imaging workflow reads it."""
    input:
        folders=expand("<results>/imaging/{patient}", patient=IMAGED),
        lesion_masks=expand("<results>/truth/imaging/{patient}_lesion.nii.gz", patient=IMAGED),
        brain_masks=expand("<results>/truth/imaging/{patient}_brain.nii.gz", patient=IMAGED),
        lesions=expand("<results>/truth/imaging/{patient}_lesions.tsv", patient=IMAGED),
        phi=expand("<results>/truth/imaging/{patient}_phi.tsv", patient=IMAGED),
    output:
        sheet="<results>/sheets/imaging.samples.tsv",
        lesions="<results>/truth/lesions.tsv",
        phi="<results>/truth/phi.tsv",
    log:
        "<logs>/list_images/images.log",
    benchmark:
        "<benchmarks>/list_images/images.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        patients=IMAGED,
        library=library("synthetic/list_images"),
    script:
        "../../scripts/synthetic/list_images.py"
