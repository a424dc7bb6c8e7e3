"""Merge all samples and find clusters.

Inputs:  kept cells of all samples from `qc_cells`; components of `train_scvi` where the config names it
Outputs: <results>/clustered.h5ad (temporary): normalised, components, graph, clusters, UMAP;
         <results>/integration_scores.tsv, resolution_stability.tsv, cluster_splits.tsv: how method, resolution and
         clusters were chosen
"""


rule cluster_cells:
    """One job from normalisation to UMAP, since loading and compiling the libraries costs more than the steps."""
    input:
        samples=expand("<results>/samples/{sample}.h5ad", sample=ROWS),
        latent=LATENT,
    output:
        cells=temp("<results>/clustered.h5ad"),
        integration=report(
            "<results>/integration_scores.tsv",
            category="Single cell",
            caption="../../workflows/singlecell/report/integration_scores.rst",
        ),
        resolutions=report(
            "<results>/resolution_stability.tsv",
            category="Single cell",
            caption="../../workflows/singlecell/report/resolution_stability.rst",
        ),
        splits=report(
            "<results>/cluster_splits.tsv",
            category="Single cell",
            caption="../../workflows/singlecell/report/cluster_splits.rst",
        ),
    log:
        "<logs>/cluster_cells/cells.log",
    benchmark:
        "<benchmarks>/cluster_cells/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 8
    resources:
        mem_mb=scaled(4000),
        runtime=240,
    params:
        seed=config["seed"],
        source=config["input"],
        embedding=config["embedding"],
        library=library("singlecell/cluster_cells"),
    script:
        "../../scripts/singlecell/cluster_cells.py"
