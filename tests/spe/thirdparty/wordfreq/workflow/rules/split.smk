rule normalise:
    input:
        text_of,
    output:
        temp("results/normalised/{sample}.txt"),
    log:
        "logs/normalise/{sample}.log",
    conda:
        "../envs/python.yaml"
    shell:
        "tr '[:upper:]' '[:lower:]' < {input} > {output} 2> {log}"


checkpoint split_chapters:
    input:
        "results/normalised/{sample}.txt",
    output:
        directory("results/chapters/{sample}"),
    conda:
        "../envs/python.yaml"
    script:
        "../scripts/split_chapters.py"
