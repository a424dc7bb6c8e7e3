"""Where calls are right and where not; apart from the scores, which do not wait for it.

Inputs:  sheet: truth_vcf, truth_bed; variants of `call_germline` and `annotate_somatic`, alignments, the reference
Outputs: <results>/scores_by_stratum.tsv, <results>/score_curve.tsv
"""


rule stratify_scores:
    """Precision and recall by change, size, context, zygosity and coverage, and over the smallest QUAL."""
    input:
        calls=expand("<results>/{kind_and_sample}.vcf.gz", kind_and_sample=SCORED),
        calls_index=expand("<results>/{kind_and_sample}.vcf.gz.tbi", kind_and_sample=SCORED),
        truths=[SAMPLES[sample]["truth_vcf"] for sample in TRUTHS],
        regions=sorted({SAMPLES[sample]["truth_bed"] for sample in TRUTHS} - {""}),
        alignments=expand("<results>/alignments/{sample}.cram", sample=TRUTHS),
        alignments_index=expand("<results>/alignments/{sample}.cram.crai", sample=TRUTHS),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        strata="<results>/scores_by_stratum.tsv",
        curves="<results>/score_curve.tsv",
    log:
        "<logs>/stratify_scores/scores.log",
    benchmark:
        "<benchmarks>/stratify_scores/scores.tsv"
    conda:
        "../../envs/genomics_analysis.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=60,
    params:
        samples=[part_of(SAMPLES[sample], "sample", "role", "truth_bed") for sample in TRUTHS],
        library=library("genomics/stratify_scores"),
    script:
        "../../scripts/genomics/stratify_scores.py"
