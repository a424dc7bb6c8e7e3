"""Germline variants of all normals together.

Inputs:  genotype likelihoods of `call_germline`, the reference
Outputs: <results>/cohort/variants.vcf.gz, indexed: one column per normal, with the genotype 0/0 told from no data
"""


rule genotype_cohort:
    """Merge the likelihoods and call from all; a sample that is added later costs its own likelihoods and this job."""
    input:
        likelihoods=expand("<results>/germline/likelihoods/{sample}.bcf", sample=NORMALS),
        likelihoods_index=expand("<results>/germline/likelihoods/{sample}.bcf.csi", sample=NORMALS),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        variants="<results>/cohort/variants.vcf.gz",
        variants_index="<results>/cohort/variants.vcf.gz.tbi",
    log:
        "<logs>/genotype_cohort/cohort.log",
    benchmark:
        "<benchmarks>/genotype_cohort/cohort.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=240,
    params:
        filters=SITE_FILTERS,
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        bcftools merge --no-version --force-single --gvcf {input.reference:q} -Ou {input.likelihoods:q} \
            | bcftools call --no-version -m -v -a GQ -Ou -o "$work/calls" -
        bcftools norm --no-version -f {input.reference:q} -m -any -Ob -o "$work/variants" "$work/calls"
        while IFS=$'\t' read -r name expression evidence; do
            bcftools filter --no-version -m + -s "$name" -e "$expression" -Ob -o "$work/filtered" "$work/variants"
            mv "$work/filtered" "$work/variants"
        done <<<{params.filters:q}
bcftools view --no-version -Oz -o {output.variants:q}.tmp "$work/variants"
alleles=$(bcftools query -f '%ALT\n' "$work/calls" | tr ',' '\n' | grep -c . || true)
written=$(bcftools view -H {output.variants:q}.tmp | grep -c . || true)
[ "$alleles" -gt 0 ] && [ "$alleles" = "$written" ] \
    || {{ echo "$alleles alleles were called, $written were written" >&2; exit 1; }}
mv {output.variants:q}.tmp {output.variants:q}
bcftools index --tbi --force {output.variants:q}
        """
