"""Sample sheet of the genomics workflow and the planted variants of all patients.

Inputs:  reads and truth of `simulate_reads` for all patients, the plan
Outputs: <results>/sheets/genomics.samples.tsv,
         <results>/truth/germline_variants.tsv, <results>/truth/somatic_variants.tsv
"""

SEQUENCED_SAMPLES = [f"{patient}_normal" for patient in SEQUENCED] + [
    f"{patient}_tumour" for patient in TUMOUR_SEQUENCED
]


rule list_reads:
    """One row per sample, one per planted variant."""
    input:
        plan="<results>/truth/patients.tsv",
        targets="<results>/genomics/targets.bed",
        driver="<results>/truth/genomics/driver.tsv",
        reads=expand("<results>/genomics/reads/{sample}_R{end}.fastq.gz", sample=sorted(SEQUENCED_SAMPLES), end=[1, 2]),
        truths=expand("<results>/truth/genomics/{sample}.vcf.gz", sample=sorted(SEQUENCED_SAMPLES)),
    output:
        sheet="<results>/sheets/genomics.samples.tsv",
        germline="<results>/truth/germline_variants.tsv",
        somatic="<results>/truth/somatic_variants.tsv",
    log:
        "<logs>/list_reads/reads.log",
    benchmark:
        "<benchmarks>/list_reads/reads.tsv"
    conda:
        "../../envs/genomics_python.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=10,
    params:
        library=library("synthetic/list_reads"),
    script:
        "../../scripts/synthetic/list_reads.py"
