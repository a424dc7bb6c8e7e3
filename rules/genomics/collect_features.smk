"""Tables over all samples and patients.

Inputs:  quality of `sample_qc`, identities of `check_identity`, variants of `call_germline` and `annotate_somatic`
Outputs: <results>/genomics_features.tsv, one row per patient; <results>/qc.tsv, one row per sample
"""


rule collect_features:
    """Count variants and drivers per patient; say per sample what is wrong, and stop or set aside if so configured."""
    input:
        quality=expand("<results>/qc/samples/{sample}.json", sample=NORMALS + TUMOURS),
        identity="<results>/qc/identity.json",
        germline=expand("<results>/germline/{sample}.vcf.gz", sample=NORMALS),
        germline_index=expand("<results>/germline/{sample}.vcf.gz.tbi", sample=NORMALS),
        somatic=expand("<results>/somatic/{sample}.vcf.gz", sample=TUMOURS),
        somatic_index=expand("<results>/somatic/{sample}.vcf.gz.tbi", sample=TUMOURS),
    output:
        features="<results>/genomics_features.tsv",
        quality="<results>/qc.tsv",
    log:
        "<logs>/collect_features/features.log",
    benchmark:
        "<benchmarks>/collect_features/features.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=60,
    params:
        driver_genes=config["driver_genes"],
        on_failure=config["qc"]["on_failure"],
        library=library("genomics/collect_features"),
    script:
        "../../scripts/genomics/collect_features.py"
