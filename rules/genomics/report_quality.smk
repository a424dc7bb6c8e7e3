"""Quality of all samples on one page.

Inputs:  reports of `read_qc`, `align_reads`, `call_germline`, `annotate_somatic`; table of `collect_features`
Outputs: <results>/multiqc.html, which needs no network
"""


rule report_quality:
    """MultiQC over what the tools reported."""
    input:
        reads=expand("<results>/qc/reads/{sample}.json", sample=SEQUENCED),
        trimming=expand("<results>/qc/trimming/{sample}.json", sample=NORMALS + TUMOURS),
        alignments=expand("<results>/qc/alignments/{sample}.stats", sample=NORMALS + TUMOURS),
        germline=expand("<results>/qc/germline/{sample}.stats", sample=NORMALS),
        somatic=expand("<results>/qc/somatic/{sample}.stats", sample=TUMOURS),
        quality="<results>/qc.tsv",
        settings=workflow.source_path("../../config/genomics.multiqc.yaml"),
    output:
        report=report(
            "<results>/multiqc.html",
            caption="../../workflows/genomics/report/multiqc.rst",
            category="Genomics",
        ),
    log:
        "<logs>/report_quality/multiqc.log",
    benchmark:
        "<benchmarks>/report_quality/multiqc.tsv"
    conda:
        "../../envs/multiqc.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=30,
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        printf '%s\\n' {input.reads:q} {input.trimming:q} {input.alignments:q} {input.germline:q} {input.somatic:q} \
            {input.quality:q} >"$work/files.txt"
        multiqc --no-ansi --config {input.settings:q} --file-list "$work/files.txt" --no-data-dir \
            --outdir "$work" --filename multiqc.html >&2
        mv "$work/multiqc.html" {output.report:q}
        """
