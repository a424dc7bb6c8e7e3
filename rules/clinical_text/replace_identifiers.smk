"""Replace identifiers in the letters of one fold.

Inputs:  letters of `read_documents`, detections, the originals' formats, the trust centre's linkage file or the project's key
Outputs: <results>/deidentified/{fold}/, <results>/audit/{fold}.tsv
"""


rule replace_identifiers:
    """Tags, codes or stand-ins, the same for the same patient; dates move, their distances stay."""
    input:
        documents="<results>/originals/documents.jsonl",
        found="<results>/detections/{fold}.tsv",
        sheet=config["samples"],
        files=FILES,
        key_file=config["replacement"]["key_file"],
        linkage=config["replacement"]["linkage"] or [],
    output:
        folder=directory("<results>/deidentified/{fold}"),
        audit="<results>/audit/{fold}.tsv",
    log:
        "<logs>/replace_identifiers/{fold}.log",
    benchmark:
        "<benchmarks>/replace_identifiers/{fold}.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=60,
    params:
        names=lambda wildcards: FOLDS[wildcards.fold]["test"],
        settings=config["replacement"]["settings"],
        library=library("clinical_text/replace_identifiers"),
    script:
        "../../scripts/clinical_text/replace_identifiers.py"
