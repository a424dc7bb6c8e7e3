import json
import os

from helpers import read_counts

counts = read_counts(snakemake.input[0])
assert os.path.isdir(snakemake.resources.tmpdir)
with open(os.path.join(snakemake.resources.tmpdir, "scratch"), "w") as scratch:
    scratch.write("temporary files have a place")
with open(snakemake.output.json, "w") as handle:
    json.dump(
        {
            "sample": snakemake.wildcards.sample,
            "words": len(counts),
            "total": sum(counts.values()),
            "threads": snakemake.threads,
            "threshold": snakemake.params.threshold,
            "configured": snakemake.config["min_count"],
        },
        handle,
        sort_keys=True,
    )
