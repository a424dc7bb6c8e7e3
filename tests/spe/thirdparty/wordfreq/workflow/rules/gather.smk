rule scatter_words:
    input:
        expand("results/merged/{sample}.tsv", sample=samples.index),
    output:
        scatter.split("results/scatter/{scatteritem}.tsv"),
    shell:
        """
        folder=$(dirname {output[0]})
        sort {input} > $folder/sorted
        split -n l/3 $folder/sorted $folder/part.
        set -- {output}
        for part in $folder/part.*; do mv $part $1; shift; done
        rm $folder/sorted
        """


rule total:
    input:
        "results/scatter/{scatteritem}.tsv",
    output:
        temp("results/totals/{scatteritem}.txt"),
    shell:
        "awk '{{s += $2}} END {{print s + 0}}' {input} > {output}"


rule summary:
    input:
        gather.split("results/totals/{scatteritem}.txt"),
    output:
        "results/summary.tsv",
    shell:
        "cat {input} | awk '{{s += $1}} END {{print \"total\\t\" s}}' > {output}"


rule archive:
    input:
        expand("results/merged/{sample}.tsv", sample=samples.index),
    output:
        "results/archive/all.tar",
    shell:
        "tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644 -cf {output} {input}"


rule check:
    input:
        "results/summary.tsv",
        patterns=workflow.source_path("../scripts/patterns.txt"),
    output:
        touch("results/flags/checked.done"),
    script:
        "../scripts/check.sh"
