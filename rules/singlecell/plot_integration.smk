"""How the methods against batch effects compare; only where several are compared (`embedding.integration`).

Inputs:  integration_scores.tsv of `cluster_cells`
Outputs: <results>/figures/integration.png
"""


rule plot_integration:
    """Mixing, conservation and total of each method, from the table only."""
    input:
        scores="<results>/integration_scores.tsv",
    output:
        figure=FIGURE("<results>/figures/integration.png", caption=f"{CAPTIONS}/integration.rst"),
    log:
        "<logs>/plot_integration/methods.log",
    benchmark:
        "<benchmarks>/plot_integration/methods.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=30,
    params:
        library=library("singlecell/plot_integration"),
    script:
        "../../scripts/singlecell/plot_integration.py"
