"""Called against true variants, where the sheet knows the truth.

Inputs:  sheet: truth_vcf, truth_bed; variants of `call_germline` and `annotate_somatic`, the reference
Outputs: <results>/scores.tsv: sample, metric, value; sample `germline` and `somatic` hold the pooled counts
"""


rule score_variants:
    """Precision and recall by haplotypes; genotypes must agree for germline, alleles for somatic variants."""
    input:
        calls=[f"<results>/{'germline' if sample in NORMALS else 'somatic'}/{sample}.vcf.gz" for sample in TRUTHS],
        calls_index=[
            f"<results>/{'germline' if sample in NORMALS else 'somatic'}/{sample}.vcf.gz.tbi" for sample in TRUTHS
        ],
        truths=list(SAMPLES.loc[TRUTHS, "truth_vcf"]),
        regions=sorted(set(SAMPLES.loc[TRUTHS, "truth_bed"]) - {""}),
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
    output:
        scores="<results>/scores.tsv",
    log:
        "<logs>/score_variants/scores.log",
    benchmark:
        "<benchmarks>/score_variants/scores.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=60,
    params:
        samples=SAMPLES.loc[TRUTHS, ["sample", "role", "truth_bed"]].to_dict("records"),
        library=library("genomics/score_variants"),
    script:
        "../../scripts/genomics/score_variants.py"
