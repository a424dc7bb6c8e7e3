"""Called against true variants, where the sheet knows the truth.

Inputs:  sheet: truth_vcf, truth_bed; variants of `call_germline` and `annotate_somatic`, the reference
Outputs: <results>/scores.tsv: sample, metric, value; sample `germline` and `somatic` hold the pooled counts
"""


rule score_variants:
    """Precision and recall by haplotypes; genotypes must agree for germline, alleles for somatic variants."""
    input:
        calls=expand("<results>/{kind_and_sample}.vcf.gz", kind_and_sample=SCORED),
        calls_index=expand("<results>/{kind_and_sample}.vcf.gz.tbi", kind_and_sample=SCORED),
        truths=[SAMPLES[sample]["truth_vcf"] for sample in TRUTHS],
        regions=sorted({SAMPLES[sample]["truth_bed"] for sample in TRUTHS} - {""}),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        scores="<results>/scores.tsv",
    log:
        "<logs>/score_variants/scores.log",
    benchmark:
        "<benchmarks>/score_variants/scores.tsv"
    conda:
        "../../envs/genomics_analysis.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=60,
    params:
        samples=[part_of(SAMPLES[sample], "sample", "role", "truth_bed") for sample in TRUTHS],
        library=library("genomics/score_variants"),
    script:
        "../../scripts/genomics/score_variants.py"
