"""Train the sequence model of one fold and choose its operating points on letters that its models did not see."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, Problem
from kimedlib.table_files import write_table
from kimedlib.text_dial import choose, curve
from kimedlib.text_model_data import read_lines
from kimedlib.text_tagger import Settings, train


def main(
    *, documents: Path, synthetic: Path, model: Path, dial: Path, points: Path, names: list[str], settings: Settings,
    least_precision: float, processes: int,
) -> None:  # fmt: skip
    """Train.

    Parameters
    ----------
    documents, synthetic
        Letters of `read_documents` and `write_letters`.
    model
        Folder for the stages of the model.
    dial, points
        Thresholds (JSON); recall and precision over thresholds (table), both from cross-fitting within the training
        letters.
    names
        The letters that train; no other letter is looked at.
    least_precision
        Share of the hidden characters that must be identifiers at `safe`.
    processes
        Models trained at the same time; changes nothing but the time.

    Raises
    ------
    InputProblems
        The training letters have no annotations.
    """
    letters = read_lines(documents)
    chosen = [letters[name] for name in sorted(names)]
    if not any(letter.spans for letter in chosen):
        found = "has no annotated training letter"
        raise InputProblems(
            [Problem("the sample sheet", "column role", found, "give annotated letters the role train")]
        )
    unseen = train(chosen, list(read_lines(synthetic).values()), model, settings, processes)
    found_dial = choose(chosen, unseen, least_precision)
    with atomic_path(dial) as temporary:
        temporary.write_text(json.dumps({**asdict(found_dial), "training_letters": len(chosen)}, indent=1) + "\n")
    write_table(pd.DataFrame(curve(chosen, unseen)), points, float_format="%.6g")
    print(f"trained on {len(chosen)} letters; {found_dial}")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            synthetic=Path(snakemake.input.synthetic),
            model=Path(snakemake.output.model),
            dial=Path(snakemake.output.dial),
            points=Path(snakemake.output.points),
            names=list(snakemake.params.names),
            settings=Settings(**snakemake.params.settings),
            least_precision=snakemake.params.least_precision,
            processes=snakemake.threads,
        )
