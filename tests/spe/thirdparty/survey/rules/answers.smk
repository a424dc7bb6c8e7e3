rule tabulate:
    input:
        "data/answers.csv",
    output:
        multiext("tables/{question}", ".tsv", ".txt"),
    log:
        notebook="logs/{question}.log",
    script:
        "../scripts/tabulate.py"


rule unpack:
    input:
        expand("tables/{question}.tsv", question=config["questions"]),
    output:
        folder=directory("unpacked"),
        listing="listing.txt",
    shadow:
        "shallow"
    shell:
        """
        mkdir -p {output.folder}/deep
        for f in {input}; do cp $f {output.folder}/deep/; done
        ls {output.folder}/deep > {output.listing}
        """


rule report:
    input:
        folder="unpacked",
        listing="listing.txt",
        words="words/results/summary.tsv",
    output:
        "report.html",
    retries: 2
    shell:
        "echo '<pre>' > {output}; cat {input.listing} {input.folder}/deep/*.tsv {input.words} >> {output}"
