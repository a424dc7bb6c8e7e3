"""Score what was found against annotations.

Inputs:  letters of `read_documents`, tables of `detect_identifiers`
Outputs: <results>/scores.tsv, <results>/labels.tsv
"""


rule score_detection:
    """Spans, tokens, characters, documents that leak, clinical terms destroyed; all folds pooled."""
    input:
        documents="<results>/originals/documents.jsonl",
        found=expand("<results>/detections/{fold}.tsv", fold=sorted(FOLDS)),
    output:
        scores="<results>/scores.tsv",
        labels="<results>/labels.tsv",
    log:
        "<logs>/score_detection/all.log",
    benchmark:
        "<benchmarks>/score_detection/all.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=20,
    params:
        folds=[JUDGED[fold] for fold in sorted(FOLDS)],
        library=library("clinical_text/score_detection"),
    script:
        "../../scripts/clinical_text/score_detection.py"
