"""Assess what may still lead back to a person.

Inputs:  letters of `read_documents`, detections, de-identified letters, thresholds, scores where annotations are known
Outputs: <results>/risk.tsv, <results>/review.tsv, <results>/dial.png, <results>/risk.html
"""


rule assess_risk:
    """Attacks by names, dates and stand-ins, groups of equal quasi-identifiers, doubtful places for review."""
    input:
        documents="<results>/originals/documents.jsonl",
        sheet=config["samples"],
        found=expand("<results>/detections/{fold}.tsv", fold=sorted(FOLDS)),
        folders=expand("<results>/deidentified/{fold}", fold=sorted(FOLDS)),
        points=expand("<results>/dials/{fold}.tsv", fold=sorted(FOLDS)),
        trust=expand("<results>/reliability/{fold}.tsv", fold=sorted(FOLDS)),
        dials=expand("<results>/dials/{fold}.json", fold=sorted(FOLDS)),
        scores="<results>/scores.tsv" if any(JUDGED.values()) else [],
        labels="<results>/labels.tsv" if any(JUDGED.values()) else [],
    output:
        risk="<results>/risk.tsv",
        review="<results>/review.tsv",
        picture="<results>/dial.png",
        report="<results>/risk.html",
    log:
        "<logs>/assess_risk/all.log",
    benchmark:
        "<benchmarks>/assess_risk/all.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=20,
    params:
        folds=[FOLDS[fold]["test"] for fold in sorted(FOLDS)],
        least=config["review"]["confidence"],
        settings=config["replacement"]["settings"],
        library=library("clinical_text/assess_risk"),
    script:
        "../../scripts/clinical_text/assess_risk.py"
