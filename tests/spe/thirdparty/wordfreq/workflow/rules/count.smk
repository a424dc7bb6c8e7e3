rule stream:
    input:
        "results/chapters/{sample}/{chapter}.txt",
    output:
        pipe("results/stream/{sample}/{chapter}.words"),
    shell:
        "tr -s ' ' '\\n' < {input} > {output}"


rule count:
    input:
        "results/stream/{sample}/{chapter}.words",
    output:
        "results/counts/{sample}/{chapter}.tsv",
    log:
        "logs/count/{sample}/{chapter}.log",
    benchmark:
        "benchmarks/count/{sample}/{chapter}.tsv"
    group:
        "counting"
    shell:
        "(sort {input} | uniq -c | awk '{{print $2 \"\\t\" $1}}' > {output}) 2> {log}"


rule merge:
    input:
        chapters_of,
    output:
        protected("results/merged/{sample}.tsv"),
    group:
        "counting"
    shadow:
        "minimal"
    params:
        min_count=config["min_count"],
    resources:
        mem_mb=memory,
    shell:
        "cat {input} > scratch.tsv; "
        "awk -v m={params.min_count} '{{n[$1] += $2}} END {{for (w in n) if (n[w] >= m) print w \"\\t\" n[w]}}' "
        "scratch.tsv | sort > {output}"


rule stats:
    input:
        "results/merged/{sample}.tsv",
    output:
        json=ensure("results/stats/{sample}.json", non_empty=True),
    params:
        threshold=config["min_count"],
    conda:
        "../envs/python.yaml"
    threads: 2
    script:
        "../scripts/stats.py"
