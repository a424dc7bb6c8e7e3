"""Whose samples these are, over the whole cohort.

Inputs:  alignments of `align_reads`, variants of `call_germline`
Outputs: <results>/qc/identity.json, one object per sample; <results>/relatedness.tsv, one row per pair of samples
"""


rule check_identity:
    """Kinship of all pairs, parents, tumours that are not of their normal's person, and reads of somebody else."""
    input:
        alignments=expand("<results>/alignments/{sample}.cram", sample=NORMALS + TUMOURS),
        alignments_index=expand("<results>/alignments/{sample}.cram.crai", sample=NORMALS + TUMOURS),
        germline=expand("<results>/germline/{sample}.vcf.gz", sample=NORMALS),
        germline_index=expand("<results>/germline/{sample}.vcf.gz.tbi", sample=NORMALS),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
    output:
        identity="<results>/qc/identity.json",
        pairs="<results>/relatedness.tsv",
    log:
        "<logs>/check_identity/cohort.log",
    benchmark:
        "<benchmarks>/check_identity/cohort.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=240,
    params:
        samples=[
            part_of(SAMPLES[sample], "sample", "patient_id", "role", "family_id", "father_id", "mother_id")
            for sample in NORMALS + TUMOURS
        ],
        settings=config["qc"],
        library=library("genomics/check_identity"),
    script:
        "../../scripts/genomics/check_identity.py"
