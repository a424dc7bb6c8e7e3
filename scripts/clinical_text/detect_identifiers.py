"""Find identifiers in the letters of one fold, at all operating points; annotations of these letters are not looked
at.
"""

import json
import time
from pathlib import Path

import pandas as pd

from kimedlib.logs import log_to
from kimedlib.table_files import write_table
from kimedlib.text_calibration import Calibration
from kimedlib.text_dial import POINTS, Dial, confidence, detect
from kimedlib.text_gazetteers import gazetteers
from kimedlib.text_model_data import Letter, read_lines
from kimedlib.text_tagger import Model

COLUMNS = ["document", "point", "begin", "end", "label", "confidence"]


def main(*, documents: Path, model: Path, dial: Path, found: Path, names: list[str]) -> None:
    """Detect.

    Parameters
    ----------
    documents, model, dial
        Letters, and what `train_tagger` wrote.
    found
        Table: document, operating point, offsets, label, confidence; no text.
    names
        Documents to work on.
    """
    letters = read_lines(documents)
    settings = json.loads(dial.read_text(encoding="utf-8"))
    thresholds = Dial(settings["sure"], settings["suspect"], settings["net"])
    calibration = Calibration(settings["calibration"]["slope"], settings["calibration"]["offset"])
    tagger = Model(model)
    gazetteers()
    start = time.perf_counter()
    rows = []
    for name in sorted(names):
        letter = Letter(name, letters[name].text)
        tagged = tagger.tag(letter.text)
        for point in POINTS:
            rows += [
                (name, point, span.begin, span.end, span.label, confidence(span, tagged, calibration))
                for span in detect(letter, tagged, point, thresholds)
            ]
    print(f"letters={len(names)} seconds={time.perf_counter() - start:.3f}")
    write_table(pd.DataFrame(rows, columns=COLUMNS), found, float_format="%.6f")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            model=Path(snakemake.input.model),
            dial=Path(snakemake.input.dial),
            found=Path(snakemake.output.found),
            names=list(snakemake.params.names),
        )
