"""Find identifiers in the letters of one fold.

Inputs:  letters of `read_documents`, model and operating points of `train_tagger`, spans of `apply_plugin`
Outputs: <results>/detections/{fold}.tsv
"""


rule detect_identifiers:
    """Offsets, labels and confidence at three operating points; no text."""
    input:
        documents="<results>/originals/documents.jsonl",
        model="<results>/models/{fold}",
        dial="<results>/dials/{fold}.json",
        plugin="<results>/plugin/{fold}.tsv" if config["detection"]["plugin"] else [],
    output:
        found="<results>/detections/{fold}.tsv",
    log:
        "<logs>/detect_identifiers/{fold}.log",
    benchmark:
        "<benchmarks>/detect_identifiers/{fold}.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=60,
    params:
        least=(config["detection"]["plugin"] or {}).get("least"),
        language=config["detection"]["language"],
        names=lambda wildcards: FOLDS[wildcards.fold]["test"],
        library=library("clinical_text/detect_identifiers"),
    script:
        "../../scripts/clinical_text/detect_identifiers.py"
