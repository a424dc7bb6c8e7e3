"""Export letters with doubtful places for human review.

Inputs:  letters of `read_documents`, detections, doubtful places of `assess_risk`
Outputs: <results>/review/ (original text: only where `review.export` is set)
"""


rule export_review:
    """BRAT or UIMA-CAS with confidences; corrected, they go back into the sample sheet as training letters."""
    input:
        documents="<results>/originals/documents.jsonl",
        found=expand("<results>/detections/{fold}.tsv", fold=sorted(FOLDS)),
        review="<results>/review.tsv",
    output:
        folder=directory("<results>/review"),
    log:
        "<logs>/export_review/all.log",
    benchmark:
        "<benchmarks>/export_review/all.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=20,
    params:
        form=config["review"]["format"],
        library=library("clinical_text/export_review"),
    script:
        "../../scripts/clinical_text/export_review.py"
