"""Germline calls of freebayes, for `germline: {caller: freebayes}`; `call_germline` makes them like all others.

Inputs:  alignments of `align_reads`, the reference, config: targets, region
Outputs: <results>/germline/freebayes/{sample}.vcf (temporary)
"""


rule call_freebayes:
    """Haplotype-based calls of alleles that at least a fifth of the reads show."""
    input:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
    output:
        variants=temp("<results>/germline/freebayes/{sample}.vcf"),
    log:
        "<logs>/call_freebayes/{sample}.log",
    benchmark:
        "<benchmarks>/call_freebayes/{sample}.tsv"
    conda:
        "../../envs/freebayes.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=480,
    params:
        # of both it would take the union; call_germline keeps what lies in both
        where=["-r", config["region"]] if config["region"] else ["-t", config["targets"]] * bool(config["targets"]),
        minimum_mapping_quality=config["germline"]["minimum_mapping_quality"],
    shell:
        """
        exec 2>{log:q}
        freebayes -f {input.reference:q} -F 0.2 -m {params.minimum_mapping_quality} {params.where:q} \
            {input.alignments:q} >{output.variants:q}.tmp
        mv {output.variants:q}.tmp {output.variants:q}
        """
