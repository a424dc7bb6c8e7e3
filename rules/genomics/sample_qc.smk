"""Quality of one sample, from its alignments and variants.

Inputs:  alignments and statistics of `align_reads`, germline variants of the patient's normal, config: targets, region
Outputs: <results>/qc/samples/{sample}.json
"""


rule sample_qc:
    """Coverage, duplicates, insert size, Ts/Tv, sex by X, and whether a tumour is of the same person as its normal."""
    input:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        statistics="<results>/qc/alignments/{sample}.stats",
        germline=lambda wildcards: expand("<results>/germline/{normal}.vcf.gz", normal=NORMALS_OF[wildcards.sample]),
        germline_index=lambda wildcards: expand(
            "<results>/germline/{normal}.vcf.gz.tbi", normal=NORMALS_OF[wildcards.sample]
        ),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
    output:
        quality="<results>/qc/samples/{sample}.json",
    log:
        "<logs>/sample_qc/{sample}.log",
    benchmark:
        "<benchmarks>/sample_qc/{sample}.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=120,
    params:
        sample=lambda wildcards: part_of(SAMPLES[wildcards.sample], "sample", "patient_id", "role", "sex"),
        normal=lambda wildcards: "".join(NORMALS_OF[wildcards.sample]),
        region=config["region"],
        settings=config["qc"],
        library=library("genomics/sample_qc"),
    script:
        "../../scripts/genomics/sample_qc.py"
