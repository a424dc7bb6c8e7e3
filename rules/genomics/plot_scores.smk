"""Figure of the scores; apart from them, so that they do not wait for it.

Inputs:  curve of `stratify_scores`
Outputs: <results>/figures/precision_recall.png
"""


rule plot_scores:
    """Precision over recall as the smallest QUAL falls."""
    input:
        curves="<results>/score_curve.tsv",
    output:
        figure=report(
            "<results>/figures/precision_recall.png",
            caption="../../workflows/genomics/report/precision_recall.rst",
            category="Genomics",
        ),
    log:
        "<logs>/plot_scores/figures.log",
    benchmark:
        "<benchmarks>/plot_scores/figures.tsv"
    conda:
        "../../envs/genomics_analysis.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=30,
    params:
        library=library("genomics/plot_scores"),
    script:
        "../../scripts/genomics/plot_scores.py"
