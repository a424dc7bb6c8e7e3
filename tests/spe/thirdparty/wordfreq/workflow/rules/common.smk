def text_of(wildcards):
    return samples.loc[wildcards.sample, "file"]


def chapters_of(wildcards):
    folder = checkpoints.split_chapters.get(sample=wildcards.sample).output[0]
    chapters = glob_wildcards(os.path.join(folder, "{chapter}.txt")).chapter
    return expand(
        "results/counts/{sample}/{chapter}.tsv", sample=wildcards.sample, chapter=sorted(chapters)
    )


def memory(wildcards, attempt):
    return 200 * attempt


scattergather:
    split=3,
