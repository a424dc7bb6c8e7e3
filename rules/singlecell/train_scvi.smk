"""Components without batch effects by scVI; only where the config names it (`embedding.integration`).

Inputs:  kept cells of all samples from `qc_cells`
Outputs: <results>/scvi_latent.tsv.gz (cells), <results>/scvi_training.tsv (epochs)
"""


rule train_scvi:
    """Seeded, on one thread; scvi-tools is yours to install, or comes by conda. Uses a GPU where a job gets one."""
    input:
        samples=expand("<results>/samples/{sample}.h5ad", sample=ROWS),
    output:
        latent="<results>/scvi_latent.tsv.gz",
        training=report(
            "<results>/scvi_training.tsv",
            category="Single cell",
            caption="../../workflows/singlecell/report/scvi_training.rst",
        ),
    log:
        "<logs>/train_scvi/cells.log",
    benchmark:
        "<benchmarks>/train_scvi/cells.tsv"
    conda:
        "../../envs/scvi.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=720,
        gpu=1,
    params:
        seed=config["seed"],
        source=config["input"],
        batch=config["embedding"]["batch"],
        normalisation=config["embedding"]["normalisation"],
        variable_genes=config["embedding"]["variable_genes"],
        settings=config["scvi"],
        library=library("singlecell/train_scvi"),
    script:
        "../../scripts/singlecell/train_scvi.py"
