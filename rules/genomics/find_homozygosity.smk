"""Stretches in which both copies of the genome are the same.

Inputs:  variants of `call_germline`
Outputs: <results>/homozygosity.tsv: one row per run: sample, contig, first, last, bases, sites, quality
"""


rule find_homozygosity:
    """Hidden Markov model of bcftools roh over the passing single-base variants of each normal."""
    input:
        variants=expand("<results>/germline/{sample}.vcf.gz", sample=NORMALS),
        variants_index=expand("<results>/germline/{sample}.vcf.gz.tbi", sample=NORMALS),
    output:
        runs="<results>/homozygosity.tsv",
    log:
        "<logs>/find_homozygosity/cohort.log",
    benchmark:
        "<benchmarks>/find_homozygosity/cohort.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=120,
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        # default allele frequency and genotype error as the manual advises where no panel is at hand
        for variants in {input.variants:q}; do
            bcftools view --no-version -f PASS,. -v snps -Ou "$variants" \
                | bcftools roh --AF-dflt 0.4 -G 30 -O r - >>"$work/runs"
        done
        {{
                            printf 'sample\tcontig\tfirst\tlast\tbases\tsites\tquality\n'
                            sed -n 's/^RG\t//p' "$work/runs"
                        }} >{output.runs:q}.tmp
        mv {output.runs:q}.tmp {output.runs:q}
        """
