"""Index of the transcripts for simpleaf; only for the engine simpleaf and where the config gives no index (`reads`).

Inputs:  transcripts of `extract_transcripts`
Outputs: <results>/reads/simpleaf/ (temporary)
"""


rule build_simpleaf_index:
    """piscem index of the spliced transcripts."""
    input:
        transcripts="<results>/reads/transcripts.fa",
    output:
        index=temp(directory("<results>/reads/simpleaf")),
    log:
        "<logs>/build_simpleaf_index/transcripts.log",
    benchmark:
        "<benchmarks>/build_simpleaf_index/transcripts.tsv"
    conda:
        "../../envs/simpleaf.yaml"
    threads: share_of_cores(1)
    resources:
        mem_mb=scaled(2000 + 4 * GENOME_MB),
        runtime=240,
    shell:
        """
        exec 2>{log:q}
        work=$(mktemp --directory)
        trap 'rm -rf "$work"' EXIT
        export ALEVIN_FRY_HOME="$work/home"
        simpleaf set-paths >&2
        simpleaf index --ref-seq {input.transcripts:q} --output "$work/index" --threads {threads} --work-dir "$work/dir" >&2
        rm -rf {output.index:q}
        cp -r "$work/index/index" {output.index:q}
        """
