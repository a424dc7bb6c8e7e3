"""Bring what a counting programme has written into the form that all other steps read."""

import logging
from pathlib import Path

import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.cells_writing import write_h5
from kimedlib.logs import log_to
from kimedlib.singlecell_counting import read_counted
from kimedlib.table_files import write_table

# Below this share of mapped reads the reference is probably another species' or kind of library.
FEW_MAPPED = 30


def main(
    *, engine: str, sample: str, folder: Path, t2g: Path | None, counts: Path, statistics: Path,
    reads: Path | None, histogram: Path | None,
) -> None:  # fmt: skip
    """Write all barcodes with a molecule as 10x H5, and statistics.

    Parameters
    ----------
    reads, histogram
        Where the reads behind each count (same form) and the number of reads per molecule go; None where the engine
        does not tell them.

    Raises
    ------
    ValueError
        Nothing was counted, or what the engine wrote is not whole.
    """
    found = read_counted(engine, folder, t2g)
    with atomic_path(counts) as temporary:
        write_h5(temporary, found.counts, found.barcodes, found.features)
    if reads and histogram and found.reads is not None:
        with atomic_path(reads) as temporary:
            write_h5(temporary, found.reads, found.barcodes, found.features)
        write_table(found.histogram, histogram)
    numbers = {**found.statistics, "barcodes": len(found.barcodes), "molecules": int(found.counts.sum())}
    write_table(pd.DataFrame([{"sample": sample, "engine": engine, **numbers}]), statistics)
    logging.info("%s: %s", sample, numbers)
    if numbers["mapped_percent"] < FEW_MAPPED:
        logging.warning("%s: only %.1f %% of the reads map: other species or kind?", sample, numbers["mapped_percent"])


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            engine=snakemake.params.engine,
            sample=snakemake.params.sample,
            folder=Path(snakemake.input.folder),
            t2g=Path(snakemake.input.t2g) if snakemake.input.t2g else None,
            counts=Path(snakemake.output.counts),
            statistics=Path(snakemake.output.statistics),
            reads=Path(snakemake.output.reads) if snakemake.output.reads else None,
            histogram=Path(snakemake.output.histogram) if snakemake.output.histogram else None,
        )
