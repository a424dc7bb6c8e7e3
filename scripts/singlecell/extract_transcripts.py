"""Cut the transcripts of a gene model out of its genome, and list which gene each belongs to."""

import logging
from pathlib import Path

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.singlecell_transcripts import read_transcripts, spliced


def main(genome: Path, gene_model: Path, transcripts: Path, t2g: Path) -> None:
    """Write FASTA, and a table without header: transcript, gene identifier, gene name.

    Raises
    ------
    InputProblems
        The gene model cannot be read, or does not belong to the genome.
    """
    model = read_transcripts(gene_model)
    written = 0
    with (
        atomic_path(transcripts) as fasta_path,
        atomic_path(t2g) as table_path,
        fasta_path.open("w", encoding="utf-8") as fasta,
        table_path.open("w", encoding="utf-8") as table,
    ):
        for one, bases in spliced(model, genome, gene_model):
            fasta.write(f">{one.identifier}\n{bases}\n")
            table.write(f"{one.identifier}\t{one.gene_id}\t{one.gene_name}\n")
            written += 1
    logging.info("%d of %d transcripts; others are on contigs that the genome lacks", written, len(model))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            Path(snakemake.input.genome),
            Path(snakemake.input.gene_model),
            Path(snakemake.output.transcripts),
            Path(snakemake.output.t2g),
        )
