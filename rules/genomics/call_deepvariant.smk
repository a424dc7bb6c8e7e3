"""Germline calls of DeepVariant, for `germline: {caller: deepvariant}`; `call_germline` makes them like all others.

Inputs:  alignments of `align_reads`, the reference, config: targets, region
Outputs: <results>/germline/deepvariant/{sample}.vcf (temporary)
"""


rule call_deepvariant:
    """Neural network over pileup images; the model of whole genomes, or of exomes where there are targets."""
    input:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
    output:
        variants=temp("<results>/germline/deepvariant/{sample}.vcf"),
    log:
        "<logs>/call_deepvariant/{sample}.log",
    benchmark:
        "<benchmarks>/call_deepvariant/{sample}.tsv"
    conda:
        "../../envs/deepvariant.yaml"
    threads: 1
    resources:
        mem_mb=scaled(16000),
        runtime=1440,
    params:
        model="wes" if config["targets"] else "wgs",
        region=config["region"],
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        where={params.region:q}
        if [ -z "$where" ]; then where="{input.targets}"; fi
        dv_make_examples.py --cores {threads} --ref {input.reference:q} --reads {input.alignments:q} \
            --sample {wildcards.sample} --examples "$work" --logdir "$work" \
            ${{where:+--regions "$where"}} >&2
        dv_call_variants.py --cores {threads} --outfile "$work/calls" --sample {wildcards.sample} --examples "$work" \
            --model {params.model} >&2
        dv_postprocess_variants.py --ref {input.reference:q} --infile "$work/calls" --outfile {output.variants:q}.tmp.vcf >&2
        mv {output.variants:q}.tmp.vcf {output.variants:q}
        """
