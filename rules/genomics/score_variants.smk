"""Called against true variants, where the sheet knows the truth.

Inputs:  sheet: truth_vcf, truth_bed; variants of `call_germline` and `annotate_somatic`, alignments, the reference
Outputs: <results>/scores.tsv: sample, metric, value; sample `germline` and `somatic` hold the pooled counts
         <results>/scores_by_stratum.tsv, <results>/score_curve.tsv
"""


rule score_variants:
    """Precision and recall by haplotypes; genotypes must agree for germline, alleles for somatic variants."""
    input:
        calls=expand("<results>/{kind_and_sample}.vcf.gz", kind_and_sample=SCORED),
        calls_index=expand("<results>/{kind_and_sample}.vcf.gz.tbi", kind_and_sample=SCORED),
        truths=list(SAMPLES.loc[TRUTHS, "truth_vcf"]),
        regions=sorted(set(SAMPLES.loc[TRUTHS, "truth_bed"]) - {""}),
        alignments=expand("<results>/alignments/{sample}.cram", sample=TRUTHS),
        alignments_index=expand("<results>/alignments/{sample}.cram.crai", sample=TRUTHS),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        scores="<results>/scores.tsv",
        strata="<results>/scores_by_stratum.tsv",
        curves="<results>/score_curve.tsv",
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
        samples=SAMPLES.loc[TRUTHS, ["sample", "role", "truth_bed"]].to_dict("records"),
        library=library("genomics/score_variants"),
    script:
        "../../scripts/genomics/score_variants.py"
