import collections
import csv
from pathlib import Path

column = snakemake.wildcards.question
with Path(snakemake.input[0]).open() as handle:
    counts = collections.Counter(row[column] for row in csv.DictReader(handle))
table, text = map(Path, snakemake.output)
table.write_text("".join(f"{value}\t{count}\n" for value, count in sorted(counts.items())))
text.write_text("".join(f"{count} answered {value}\n" for value, count in sorted(counts.items())))
Path(snakemake.log.notebook).write_text("tabulated\n")
