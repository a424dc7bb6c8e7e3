"""One row per patient for the cohort.

Inputs:  cells.h5ad of `annotate_cells`, gene sets
Outputs: <results>/singlecell_features.tsv
"""


rule collect_singlecell_features:
    """Composition, interferon response of monocytes and quality, pooled over a patient's samples."""
    input:
        cells="<results>/cells.h5ad",
        gene_sets=config["gene_sets"],
    output:
        features="<results>/singlecell_features.tsv",
    log:
        "<logs>/collect_singlecell_features/cells.log",
    benchmark:
        "<benchmarks>/collect_singlecell_features/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=20,
    params:
        patients=sorted({row["patient_id"] for row in ROWS.values()}),
        settings=config["features"],
        library=library("singlecell/collect_singlecell_features"),
    script:
        "../../scripts/singlecell/collect_singlecell_features.py"
