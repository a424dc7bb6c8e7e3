"""`simulate_cell_reads`: the shipped reads come from the seed, and hold the molecules of the truth."""

import gzip
from collections import Counter
from pathlib import Path

import pandas as pd
from singlecell_reads import simulate


def bases(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()[1::4]


def test_shipped_reads_come_from_the_seed(tmp_path: Path, repository: Path):
    simulate(tmp_path, 2026, {})
    shipped = repository / "test_data/singlecell_reads"
    names = sorted(path.name for path in shipped.glob("*.gz"))
    assert names == sorted(path.name for path in (tmp_path / "reads").iterdir()) and len(names) == 11
    for name in names:
        assert gzip.decompress((shipped / name).read_bytes()) == gzip.decompress(
            (tmp_path / "reads" / name).read_bytes()
        )
    assert sum(path.stat().st_size for path in shipped.iterdir()) < 500_000


def test_every_planted_molecule_is_read(tmp_path: Path):
    simulate(tmp_path, 5, {"samples": 1, "lanes": 1, "library": {"error_rate": 0.0}})
    planted = pd.read_csv(tmp_path / "truth/read_molecules.tsv.gz", sep="\t").groupby("barcode")["molecules"].sum()
    molecules = Counter(read[:16] for read in set(bases(tmp_path / "reads/reads1_L001_R1.fastq.gz")))
    # Two molecules of a droplet have the same of 16.8 million UMIs once in some 1,000 droplets.
    assert (pd.Series(molecules) - planted).abs().sum() <= 1
    assert set(molecules) <= set(gzip.decompress((tmp_path / "reads/barcodes.txt.gz").read_bytes()).decode().split())
