"""Germline calls of GATK HaplotypeCaller, for `germline: {caller: gatk}`; `call_germline` makes them like all others.

Inputs:  alignments of `align_reads`, the reference with its dictionary, config: targets, region
Outputs: <results>/germline/gatk/{sample}.vcf (temporary)
"""


rule call_gatk:
    """Local assembly and pair-HMM; deterministic with one thread of the HMM."""
    input:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        dictionary="<results>/reference/reference.dict",
        targets=config["targets"] or [],
    output:
        variants=temp("<results>/germline/gatk/{sample}.vcf"),
    log:
        "<logs>/call_gatk/{sample}.log",
    benchmark:
        "<benchmarks>/call_gatk/{sample}.tsv"
    conda:
        "../../envs/gatk.yaml"
    threads: 1
    resources:
        mem_mb=scaled(6000),
        runtime=720,
    params:
        where=["-L", config["region"]] * bool(config["region"]) + ["-L", config["targets"]] * bool(config["targets"]),
        minimum_mapping_quality=config["germline"]["minimum_mapping_quality"],
    shell:
        """
        exec 2>{log:q}
        gatk --java-options "-Xmx$(({resources.mem_mb} * 4 / 5))m" HaplotypeCaller -R {input.reference:q} \
            -I {input.alignments:q} {params.where:q} --interval-set-rule INTERSECTION --native-pair-hmm-threads 1 \
            --minimum-mapping-quality {params.minimum_mapping_quality} --create-output-variant-index false \
            -O {output.variants:q}.tmp.vcf >&2
        mv {output.variants:q}.tmp.vcf {output.variants:q}
        """
