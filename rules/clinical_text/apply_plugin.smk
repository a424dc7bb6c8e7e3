"""Find identifiers with a transformer that the user brings; only where the config names one.

Inputs:  letters of `read_documents`, the folder that `detection.plugin` names
Outputs: <results>/plugin/{fold}.tsv
"""


rule apply_plugin:
    """Offsets, labels and confidence of a model of fixed digest, read from disk; no text."""
    input:
        documents="<results>/originals/documents.jsonl",
        model=text_plan.model_files(config["detection"]["plugin"]["folder"]),
    output:
        found="<results>/plugin/{fold}.tsv",
    log:
        "<logs>/apply_plugin/{fold}.log",
    benchmark:
        "<benchmarks>/apply_plugin/{fold}.tsv"
    conda:
        "../../envs/text_plugin.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=240,
    params:
        names=lambda wildcards: FOLDS[wildcards.fold]["test"],
        folder=config["detection"]["plugin"]["folder"],
        sha256=config["detection"]["plugin"]["sha256"],
        labels=config["detection"]["plugin"]["labels"],
        least=config["detection"]["plugin"]["least"],
        library=library("clinical_text/apply_plugin"),
    script:
        "../../scripts/clinical_text/apply_plugin.py"
