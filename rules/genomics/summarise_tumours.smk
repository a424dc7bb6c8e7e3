"""Tables and figures over all tumours.

Inputs:  profiles of `profile_tumour`, config: driver_genes, driver_table, signatures
Outputs: <results>/tumours.tsv, <results>/somatic_variants.tsv, <results>/mutational_contexts.tsv,
         <results>/signature_exposures.tsv, <results>/figures/clonality.png, <results>/figures/mutational_contexts.png
"""


rule summarise_tumours:
    """Burden, instability, purity per tumour; every mutation with gene, driver and clone; contexts and signatures."""
    input:
        profiles=expand("<results>/somatic/profiles/{sample}.json", sample=TUMOURS),
        driver_table=config["tumour"]["driver_table"] or [],
        signatures=config["tumour"]["signatures"] or [],
    output:
        tumours="<results>/tumours.tsv",
        variants="<results>/somatic_variants.tsv",
        contexts="<results>/mutational_contexts.tsv",
        exposures="<results>/signature_exposures.tsv",
        clonality=report(
            "<results>/figures/clonality.png",
            caption="../../workflows/genomics/report/clonality.rst",
            category="Genomics",
        ),
        spectrum=report(
            "<results>/figures/mutational_contexts.png",
            caption="../../workflows/genomics/report/contexts.rst",
            category="Genomics",
        ),
    log:
        "<logs>/summarise_tumours/tumours.log",
    benchmark:
        "<benchmarks>/summarise_tumours/tumours.tsv"
    conda:
        "../../envs/genomics_analysis.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=60,
    params:
        driver_genes=config["driver_genes"],
        settings=config["tumour"],
        library=library("genomics/summarise_tumours"),
    script:
        "../../scripts/genomics/summarise_tumours.py"
