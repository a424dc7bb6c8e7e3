"""Consequences of somatic variants.

Inputs:  candidates of `call_somatic` or `convert_somatic_calls`, the reference, config: gene_model
Outputs: <results>/somatic/{sample}.vcf.gz, indexed; <results>/qc/somatic/{sample}.stats, which MultiQC reads
"""


rule annotate_somatic:
    """Sort, add consequences where there is a gene model, index."""
    input:
        variants=f"<results>/somatic/{SOMATIC_CALLS}/{{sample}}.vcf.gz",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        gene_model=config["gene_model"] or [],
    output:
        variants="<results>/somatic/{sample}.vcf.gz",
        variants_index="<results>/somatic/{sample}.vcf.gz.tbi",
        statistics="<results>/qc/somatic/{sample}.stats",
    log:
        "<logs>/annotate_somatic/{sample}.log",
    benchmark:
        "<benchmarks>/annotate_somatic/{sample}.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=60,
    shell:
        """
        exec 2>{log:q}
        bcftools sort -Ou {input.variants:q} \
            | if [ -n "{input.gene_model}" ]; then
                bcftools csq --no-version -p a -f {input.reference:q} -g {input.gene_model:q} -Ou -
            else
                cat
            fi \
            | bcftools view --no-version -Oz -o {output.variants:q}.tmp
        count() {{ gzip --decompress --stdout "$1" | grep --count --invert-match '^#' || true; }}
        [ "$(count {input.variants:q})" = "$(count {output.variants:q}.tmp)" ] || {{ echo 'variants were lost' >&2; exit 1; }}
        mv {output.variants:q}.tmp {output.variants:q}
        bcftools index --tbi --force {output.variants:q}
        bcftools stats -f PASS {output.variants:q} >{output.statistics:q}.tmp
        mv {output.statistics:q}.tmp {output.statistics:q}
        """
