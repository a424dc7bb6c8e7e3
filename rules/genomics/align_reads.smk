"""From raw reads to sorted alignments with marked duplicates, as one stream without FASTQ or SAM files between.

Inputs:  sheet: fastq_1, fastq_2; the reference of `prepare_reference`
Outputs: <results>/alignments/{sample}.cram, indexed,
         <results>/qc/trimming/{sample}.json and <results>/qc/alignments/{sample}.stats, which MultiQC reads
"""


rule align_reads:
    """Trim, align, complete mates, sort, mark duplicates; batches of bwa are fixed, so threads change nothing."""
    input:
        reads_1=lambda wildcards: SAMPLES.at[wildcards.sample, "fastq_1"],
        reads_2=lambda wildcards: SAMPLES.at[wildcards.sample, "fastq_2"],
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        index=multiext("<results>/reference/reference.fa", ".amb", ".ann", ".bwt", ".pac", ".sa"),
    output:
        alignments="<results>/alignments/{sample}.cram",
        alignments_index="<results>/alignments/{sample}.cram.crai",
        trimming="<results>/qc/trimming/{sample}.json",
        statistics="<results>/qc/alignments/{sample}.stats",
    log:
        "<logs>/align_reads/{sample}.log",
    benchmark:
        "<benchmarks>/align_reads/{sample}.tsv"
    conda:
        "../../envs/alignment.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=240,
    params:
        trimming=config["trimming"],
        read_group=r"@RG\tID:{sample}\tSM:{sample}\tLB:{sample}\tPL:ILLUMINA",
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        cutadapt --report=minimal --quality-cutoff {params.trimming[quality]} \
            --minimum-length {params.trimming[minimum_length]} \
            -a {params.trimming[adapter_1]} -A {params.trimming[adapter_2]} --json "$work/trimming.cutadapt.json" \
            --interleaved {input.reads_1:q} {input.reads_2:q} \
            | bwa mem -p -t {threads} -K 10000000 -R {params.read_group:q} {input.reference:q} - \
            | sed '/^@PG/s/\\tCL:.*//' \
            | samtools fixmate -m -u --no-PG - - \
            | samtools sort -u --no-PG -m 200M -T "$work/sort" - \
            | samtools markdup --no-PG --reference {input.reference:q} -O cram - "$work/with_path.cram"
        samtools reheader --no-PG -c "sed 's/\\tUR:[^\\t]*//'" "$work/with_path.cram" >"$work/sample.cram"
        samtools index "$work/sample.cram"
        samtools stats --reference {input.reference:q} "$work/sample.cram" >"$work/sample.stats"
        grep --quiet -P '^SN\\treads properly paired:\\t[1-9]' "$work/sample.stats" \
            || (echo 'no properly paired reads: are these reads of this reference, and mates in order?' >&2 && exit 1)
        mv "$work/trimming.cutadapt.json" {output.trimming:q}
        mv "$work/sample.stats" {output.statistics:q}
        mv "$work/sample.cram" {output.alignments:q}
        mv "$work/sample.cram.crai" {output.alignments_index:q}
        """
