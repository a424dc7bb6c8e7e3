"""Reference with all indexes, in the results folder: nothing is written beside the user's file.

Inputs:  config: reference (FASTA, plain or gzip)
Outputs: <results>/reference/reference.fa with .fai, .dict and the index of bwa
"""


rule prepare_reference:
    """Unpack and index the reference."""
    input:
        reference=config["reference"],
    output:
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        dictionary="<results>/reference/reference.dict",
        index=multiext("<results>/reference/reference.fa", ".amb", ".ann", ".bwt", ".pac", ".sa"),
    log:
        "<logs>/prepare_reference/reference.log",
    benchmark:
        "<benchmarks>/prepare_reference/reference.tsv"
    conda:
        "../../envs/alignment.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=120,
    shell:
        """
        exec 2>{log:q}
        gzip --decompress --force --stdout {input.reference:q} >{output.reference:q}.tmp
        grep --quiet --max-count=1 '^>' {output.reference:q}.tmp || {{ echo 'no FASTA sequence' >&2; exit 1; }}
        mv {output.reference:q}.tmp {output.reference:q}
        samtools faidx {output.reference:q}
        # the dictionary would keep the path of the file (UR)
        samtools dict {output.reference:q} | sed 's/\tUR:[^\t]*//' >{output.dictionary:q}.tmp
        mv {output.dictionary:q}.tmp {output.dictionary:q}
        bwa index -p {output.reference:q} {output.reference:q}
        """
