import collections
import csv

column = snakemake.wildcards.question
with open(snakemake.input[0]) as handle:
    counts = collections.Counter(row[column] for row in csv.DictReader(handle))
with open(snakemake.output[0], "w") as table, open(snakemake.output[1], "w") as text:
    for value, count in sorted(counts.items()):
        table.write(f"{value}\t{count}\n")
        text.write(f"{count} answered {value}\n")
open(snakemake.log.notebook, "w").write("tabulated\n")
