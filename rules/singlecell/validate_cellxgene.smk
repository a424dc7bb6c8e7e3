"""What the CELLxGENE schema's own validator says; only where the config asks for it (`cellxgene: {validate: true}`).

Inputs:  cells.cellxgene.h5ad of `export_cellxgene`
Outputs: <results>/cellxgene_validation.txt
"""


rule validate_cellxgene:
    """Stop if the file breaks the schema. `cellxgene-schema` is yours to install: it wants an older anndata."""
    input:
        exported="<results>/cells.cellxgene.h5ad",
    output:
        said="<results>/cellxgene_validation.txt",
    log:
        "<logs>/validate_cellxgene/cells.log",
    benchmark:
        "<benchmarks>/validate_cellxgene/cells.tsv"
    conda:
        "../../envs/singlecell.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=60,
    shell:
        "cellxgene-schema validate {input.exported:q} > {log:q} 2>&1"
        " && grep -E 'is_valid=True' {log:q} > {output.said:q}.tmp"
        " && mv {output.said:q}.tmp {output.said:q}"
