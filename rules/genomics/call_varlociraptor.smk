"""Somatic calls of varlociraptor, for `somatic: {caller: varlociraptor}`; `convert_somatic_calls` makes them like all others.

Inputs:  candidates of `count_somatic_alleles`, alignments of `align_reads` for tumour and normal, the reference
Outputs: <results>/somatic/varlociraptor/{sample}.bcf (temporary)
"""


rule call_varlociraptor:
    """Probabilities of somatic, germline, artefact and absent for every allele that the pileup shows."""
    input:
        normal=lambda wildcards: expand("<results>/alignments/{normal}.cram", normal=NORMALS_OF[wildcards.sample]),
        normal_index=lambda wildcards: expand(
            "<results>/alignments/{normal}.cram.crai", normal=NORMALS_OF[wildcards.sample]
        ),
        tumour="<results>/alignments/{sample}.cram",
        tumour_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        candidates="<results>/somatic/counts/{sample}.bcf",
    output:
        variants=temp("<results>/somatic/varlociraptor/{sample}.bcf"),
    log:
        "<logs>/call_varlociraptor/{sample}.log",
    benchmark:
        "<benchmarks>/call_varlociraptor/{sample}.tsv"
    conda:
        "../../envs/varlociraptor.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=1440,
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        for one in normal:{input.normal:q} tumour:{input.tumour:q}; do
            role=${{one%%:*}} reads=${{one#*:}}
            varlociraptor estimate alignment-properties {input.reference:q} --bams "$reads" >"$work/$role.json"
            varlociraptor preprocess variants {input.reference:q} --alignment-properties "$work/$role.json" \
                --candidates {input.candidates:q} --bam "$reads" >"$work/$role.bcf"
        done
        varlociraptor call variants tumor-normal --purity 1.0 --tumor "$work/tumour.bcf" --normal "$work/normal.bcf" \
            >{output.variants:q}.tmp
        mv {output.variants:q}.tmp {output.variants:q}
        """
