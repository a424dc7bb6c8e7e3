from pathlib import Path

folder = Path(snakemake.output[0])
folder.mkdir(parents=True, exist_ok=True)
chapter = None
for line in Path(snakemake.input[0]).read_text().splitlines():
    if line.startswith("# chapter "):
        chapter = folder / f"{line.split()[-1]}.txt"
        chapter.write_text("")
    else:
        with chapter.open("a") as handle:
            handle.write(line + "\n")
