"""De-identify one DICOM series.

Inputs:  the series as the sheet names it, the trust centre's linkage file or the project's key, PS3.15 Table E.1-1,
         where devices write into their pictures
Outputs: <results>/deidentified/{sample}/, <results>/audit/{sample}.tsv, <results>/decisions/{sample}.json
"""


rule deidentify_series:
    """The only step that sees identities. A series that may show text in its pixels is refused or masked."""
    input:
        series=lambda wildcards: SERIES[wildcards.sample],
        key_file=config["deidentification"]["key_file"],
        linkage=config["deidentification"]["linkage"] or [],
        profile=config["deidentification"]["profile"],
        regions=config["deidentification"]["pixels"]["regions"],
    output:
        folder=directory("<results>/deidentified/{sample}"),
        audit="<results>/audit/{sample}.tsv",
        decision="<results>/decisions/{sample}.json",
    log:
        "<logs>/deidentify_series/{sample}.log",
    benchmark:
        "<benchmarks>/deidentify_series/{sample}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=20,
    params:
        patient_id=lambda wildcards: PSEUDONYMS[wildcards.sample],
        options=config["deidentification"]["options"],
        pixels=config["deidentification"]["pixels"]["policy"],
        library=library("imaging/deidentify_series"),
    script:
        "../../scripts/imaging/deidentify_series.py"
