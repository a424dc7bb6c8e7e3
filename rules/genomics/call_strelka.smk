"""Somatic calls of Strelka2, for `somatic: {caller: strelka}`; `convert_somatic_calls` makes them like all others.

Inputs:  alignments of `align_reads` for tumour and normal, the reference, config: targets, region
Outputs: <results>/somatic/strelka/{sample}.snvs.vcf.gz and .indels.vcf.gz (temporary)
"""


rule call_strelka:
    """Substitutions and indels of a tumour with a normal; where there are targets, without limits on depth."""
    input:
        normal=lambda wildcards: expand("<results>/alignments/{normal}.cram", normal=NORMALS_OF[wildcards.sample]),
        normal_index=lambda wildcards: expand(
            "<results>/alignments/{normal}.cram.crai", normal=NORMALS_OF[wildcards.sample]
        ),
        tumour="<results>/alignments/{sample}.cram",
        tumour_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        snvs=temp("<results>/somatic/strelka/{sample}.snvs.vcf.gz"),
        indels=temp("<results>/somatic/strelka/{sample}.indels.vcf.gz"),
    log:
        "<logs>/call_strelka/{sample}.log",
    benchmark:
        "<benchmarks>/call_strelka/{sample}.tsv"
    conda:
        "../../envs/strelka.yaml"
    threads: share_of_cores(len(TUMOURS))
    resources:
        mem_mb=scaled(4000),
        runtime=720,
    params:
        # its own list of regions must be compressed and indexed; convert_somatic_calls keeps what lies in the targets
        where=["--region", config["region"]] * bool(config["region"]) + ["--exome"] * bool(config["targets"]),
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        configureStrelkaSomaticWorkflow.py --normalBam {input.normal:q} --tumorBam {input.tumour:q} \
            --referenceFasta {input.reference:q} {params.where:q} --runDir "$work/run" >&2
        "$work/run/runWorkflow.py" -m local -j {threads} -g $(({resources.mem_mb} / 1000)) >&2
        cp "$work/run/results/variants/somatic.snvs.vcf.gz" {output.snvs:q}.tmp
        cp "$work/run/results/variants/somatic.indels.vcf.gz" {output.indels:q}.tmp
        mv {output.snvs:q}.tmp {output.snvs:q}
        mv {output.indels:q}.tmp {output.indels:q}
        """
