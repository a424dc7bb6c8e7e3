"""Germline variants of one normal sample.

Inputs:  alignments of `align_reads`, the reference, config: targets, region, gene_model
Outputs: <results>/germline/{sample}.vcf.gz, indexed; <results>/qc/germline/{sample}.stats, which MultiQC reads
"""


rule call_germline:
    """Call, split and left-align, filter, add consequences; where its settings come from: README.md."""
    input:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
        gene_model=config["gene_model"] or [],
    output:
        variants="<results>/germline/{sample}.vcf.gz",
        variants_index="<results>/germline/{sample}.vcf.gz.tbi",
        statistics="<results>/qc/germline/{sample}.stats",
    log:
        "<logs>/call_germline/{sample}.log",
    benchmark:
        "<benchmarks>/call_germline/{sample}.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=240,
    params:
        settings=config["germline"],
        where=CALLED_WHERE,
    shell:
        """
        exec 2>{log:q}
        bcftools mpileup --no-version -f {input.reference:q} {params.where:q} --indels-cns -B -m 2 -F 0.1 \
            -q {params.settings[minimum_mapping_quality]} -d {params.settings[maximum_depth]} -a AD,DP,SP -Ou \
            {input.alignments:q} \
            | bcftools call --no-version -m -v -a GQ -Ou \
            | bcftools norm --no-version -f {input.reference:q} -m -any -Ou \
            | bcftools filter --no-version -s low_quality -e 'QUAL<{params.settings[minimum_quality]}' -Ou \
            | if [ -n "{input.gene_model}" ]; then
                bcftools csq --no-version -p a -f {input.reference:q} -g {input.gene_model:q} -Ou -
            else
                cat
            fi \
            | bcftools view --no-version -Oz -o {output.variants:q}.tmp
        [ "$(bcftools view -H {output.variants:q}.tmp | head -n 1)" ] \
            || (echo 'no variants: is the coverage too low, or the region wrong?' >&2 && exit 1)
        mv {output.variants:q}.tmp {output.variants:q}
        bcftools index --tbi --force {output.variants:q}
        bcftools stats -f PASS {output.variants:q} >{output.statistics:q}.tmp
        mv {output.statistics:q}.tmp {output.statistics:q}
        """
