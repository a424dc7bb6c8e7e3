"""Train the sequence model of one fold.

Inputs:  letters of `read_documents` and `write_letters`
Outputs: <results>/models/{fold}/, <results>/dials/{fold}.json, <results>/dials/{fold}.tsv, <results>/reliability/{fold}.tsv
"""


rule train_tagger:
    """Two stages, cross-fitted; operating points are chosen inside the training letters."""
    input:
        documents="<results>/originals/documents.jsonl",
        synthetic="<results>/invented/letters.jsonl",
    output:
        model=directory("<results>/models/{fold}"),
        dial="<results>/dials/{fold}.json",
        points="<results>/dials/{fold}.tsv",
        trust="<results>/reliability/{fold}.tsv",
    log:
        "<logs>/train_tagger/{fold}.log",
    benchmark:
        "<benchmarks>/train_tagger/{fold}.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 2
    resources:
        mem_mb=scaled(2000),
        runtime=60,
    params:
        names=lambda wildcards: FOLDS[wildcards.fold]["train"],
        settings=config["model"]["settings"],
        least_precision=config["detection"]["safe_char_precision"],
        library=library("clinical_text/train_tagger"),
    script:
        "../../scripts/clinical_text/train_tagger.py"
