import json
from pathlib import Path

from helpers import read_counts

counts = read_counts(snakemake.input[0])
(Path(snakemake.resources.tmpdir) / "scratch").write_text("temporary files have a place")
found = {
    "sample": snakemake.wildcards.sample,
    "words": len(counts),
    "total": sum(counts.values()),
    "threads": snakemake.threads,
    "threshold": snakemake.params.threshold,
    "configured": snakemake.config["min_count"],
}
Path(snakemake.output.json).write_text(json.dumps(found, sort_keys=True))
