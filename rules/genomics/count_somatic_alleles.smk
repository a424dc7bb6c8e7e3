"""Reads per allele in a tumour and its normal.

Inputs:  alignments of `align_reads` for both, the reference, config: targets, region
Outputs: <results>/somatic/counts/{sample}.bcf: all alleles seen, normal first (temporary)
"""


rule count_somatic_alleles:
    """Count alleles at every position where one differs from the reference; one allele per record."""
    input:
        normal=lambda wildcards: expand("<results>/alignments/{normal}.cram", normal=NORMALS_OF[wildcards.sample]),
        normal_index=lambda wildcards: expand(
            "<results>/alignments/{normal}.cram.crai", normal=NORMALS_OF[wildcards.sample]
        ),
        tumour="<results>/alignments/{sample}.cram",
        tumour_index="<results>/alignments/{sample}.cram.crai",
        reference="<results>/reference/reference.fa",
        fai="<results>/reference/reference.fa.fai",
        targets=config["targets"] or [],
    output:
        counts=temp("<results>/somatic/counts/{sample}.bcf"),
    log:
        "<logs>/count_somatic_alleles/{sample}.log",
    benchmark:
        "<benchmarks>/count_somatic_alleles/{sample}.tsv"
    conda:
        "../../envs/bcftools.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=240,
    params:
        settings=config["somatic"],
        where=CALLED_WHERE,
    shell:
        """
        exec 2>{log:q}
        bcftools mpileup --no-version -f {input.reference:q} {params.where:q} --indels-cns -B -p -m 2 -F 0.02 \
            -q {params.settings[minimum_mapping_quality]} -Q {params.settings[minimum_base_quality]} \
            -d {params.settings[maximum_depth]} -L {params.settings[maximum_depth]} -a AD -Ou {input.normal:q} {input.tumour:q} \
            | bcftools view --no-version -i 'N_ALT>1 | INDEL=1' -Ou \
            | bcftools norm --no-version -f {input.reference:q} -m -any -Ob -o {output.counts:q}.tmp
        mv {output.counts:q}.tmp {output.counts:q}
        """
