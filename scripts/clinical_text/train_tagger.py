"""Train the sequence model of one fold and choose its operating points on letters that its models did not see."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, Problem
from kimedlib.table_files import write_table
from kimedlib.text_calibration import expected_error, fit, fit_apart, reliability
from kimedlib.text_dial import choose, curve, inside, leak_bound
from kimedlib.text_model_data import Letter, read_lines, tags_of
from kimedlib.text_plain import plain_letter
from kimedlib.text_tagger import FOLDS, Settings, Tagged, train


def calibrated(letters: list[Letter], unseen: list[Tagged]) -> tuple[dict[str, float], pd.DataFrame]:
    """The correction of probabilities, and how reliable they are without and with it.

    The table's corrected probabilities come from corrections that did not see the letter; the correction that is kept
    is learned from all.
    """
    real = [[not token.is_break for token in one.tokens] for one in unseen]
    chances = [inside(one)[kept] for one, kept in zip(unseen, real, strict=True)]
    truth = [
        (np.array(tags_of(one.tokens, letter.spans)) != "O")[kept]
        for letter, one, kept in zip(letters, unseen, real, strict=True)
    ]
    together = np.concatenate(truth)
    frames = []
    errors = {}
    for kind, values in (("model", chances), ("corrected", fit_apart(chances, truth, FOLDS))):
        rows = reliability(np.concatenate(values), together)
        errors[f"error_{kind}"] = round(expected_error(rows), 6)
        frames.append(pd.DataFrame(rows).assign(kind=kind))
    found = fit(np.concatenate(chances), together)
    table = pd.concat(frames)
    return {**asdict(found), **errors}, table[["kind", *table.columns.drop("kind")]]


def main(
    *, documents: Path, synthetic: Path, model: Path, dial: Path, points: Path, trust: Path, names: list[str],
    settings: Settings, least_precision: float, processes: int,
) -> None:  # fmt: skip
    """Train.

    Parameters
    ----------
    documents, synthetic
        Letters of `read_documents` and `write_letters`.
    model
        Folder for the stages of the model.
    dial, points, trust
        Thresholds and correction of probabilities (JSON); recall and precision over thresholds; reliability of
        probabilities. All from cross-fitting within the training letters.
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
    chosen = [plain_letter(letters[name]) for name in sorted(names)]
    if not any(letter.spans for letter in chosen):
        found = "has no annotated training letter"
        raise InputProblems(
            [Problem("the sample sheet", "column role", found, "give annotated letters the role train")]
        )
    unseen = train(chosen, list(read_lines(synthetic).values()), model, settings, processes)
    found_dial = choose(chosen, unseen, least_precision)
    leaking, bound = leak_bound(chosen, unseen, found_dial)
    calibration, table = calibrated(chosen, unseen)
    with atomic_path(dial) as temporary:
        letters_seen = {"training_letters": len(chosen), "leaking_letters": leaking, "leak_bound": round(bound, 6)}
        settled = {**asdict(found_dial), "calibration": calibration, **letters_seen}
        temporary.write_text(json.dumps(settled, indent=1) + "\n")
    write_table(table, trust, float_format="%.6g")
    write_table(pd.DataFrame(curve(chosen, unseen, found_dial.net)), points, float_format="%.6g")
    print(f"trained on {len(chosen)} letters; {found_dial}")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            synthetic=Path(snakemake.input.synthetic),
            model=Path(snakemake.output.model),
            dial=Path(snakemake.output.dial),
            points=Path(snakemake.output.points),
            trust=Path(snakemake.output.trust),
            names=list(snakemake.params.names),
            settings=Settings(**snakemake.params.settings),
            least_precision=snakemake.params.least_precision,
            processes=snakemake.threads,
        )
