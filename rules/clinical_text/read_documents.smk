"""Read documents of all formats.

Inputs:  the files that the sheet names
Outputs: <results>/originals/documents.jsonl (original text: removed when the run is done)
"""


rule read_documents:
    """One reader for plain text, UIMA-CAS, BRAT and FHIR; what cannot be read is named and stops the run."""
    input:
        sheet=config["samples"],
        files=FILES,
    output:
        letters=temp("<results>/originals/documents.jsonl"),
    log:
        "<logs>/read_documents/documents.log",
    benchmark:
        "<benchmarks>/read_documents/documents.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=20,
    params:
        library=library("clinical_text/read_documents"),
    script:
        "../../scripts/clinical_text/read_documents.py"
