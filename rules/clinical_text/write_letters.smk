"""Write invented letters as additional training material.

Inputs:  none; seed and number come from the config
Outputs: <results>/invented/letters.jsonl
"""


rule write_letters:
    """Letters of many styles with planted identifiers and trap words; independent of every document of the sheet."""
    output:
        written=temp("<results>/invented/letters.jsonl"),
    log:
        "<logs>/write_letters/letters.log",
    benchmark:
        "<benchmarks>/write_letters/letters.tsv"
    conda:
        "../../envs/clinical_text.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=20,
    params:
        seed=config["model"]["seed"],
        number=config["model"]["synthetic_letters"],
        styled=config["model"]["styled_letters"],
        library=library("clinical_text/write_letters"),
    script:
        "../../scripts/clinical_text/write_letters.py"
