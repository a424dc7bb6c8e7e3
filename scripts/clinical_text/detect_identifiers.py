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
from kimedlib.text_english import LEAST, english_spans
from kimedlib.text_gazetteers import gazetteers
from kimedlib.text_language import English
from kimedlib.text_layers import Found, merged
from kimedlib.text_model_data import Letter, Span, read_lines
from kimedlib.text_plain import Plain
from kimedlib.text_tagger import Model, Tagged

COLUMNS = ["document", "point", "begin", "end", "label", "confidence"]


def plugin_spans(plugin: Path | None) -> dict[str, list[Found]]:
    """Spans of the user's model per document."""
    if plugin is None:
        return {}
    table = pd.read_csv(plugin, sep="\t", dtype={"document": str})
    found: dict[str, list[Found]] = {}
    for name, begin, end, label, sure in zip(*(table[column] for column in table), strict=True):
        found.setdefault(str(name), []).append((Span(int(begin), int(end), str(label)), float(sure)))
    return found


def trusted(letter: Letter, tagged: Tagged, point: str, thresholds: Dial, where: English) -> list[Span]:
    """The tagger's spans; with `auto` in English parts no more than at `balanced`: `safe` was chosen on German."""
    found = detect(letter, tagged, point, thresholds)
    parts = where.parts(letter.text) if where.language == "auto" and point == "safe" else []
    if not parts:
        return found
    calm = detect(letter, tagged, "balanced", thresholds)

    def english(span: Span) -> bool:
        return any(begin < span.end and span.begin < end for begin, end in parts)

    kept, more = [one for one in found if not english(one)], [one for one in calm if english(one)]
    return [span for span, _ in merged([(one, 0.0) for one in kept], [(one, 0.0) for one in more], letter.text)]


def main(
    *, documents: Path, model: Path, dial: Path, found: Path, names: list[str], plugin: Path | None = None,
    least: dict[str, float] | None = None, language: str = "de",
) -> None:  # fmt: skip
    """Detect.

    Parameters
    ----------
    documents, model, dial
        Letters, and what `train_tagger` wrote.
    found
        Table: document, operating point, offsets, label, confidence; no text.
    names
        Documents to work on.
    plugin, least
        Spans of `apply_plugin`, and from which confidence on they count, per operating point.
    language
        de, en or auto: where patterns of English letters are a further layer (`text_language.English`).
    """
    letters = read_lines(documents)
    settings = json.loads(dial.read_text(encoding="utf-8"))
    thresholds = Dial(settings["sure"], settings["suspect"], settings["net"])
    calibration = Calibration(settings["calibration"]["slope"], settings["calibration"]["offset"])
    tagger = Model(model)
    gazetteers()
    further = plugin_spans(plugin)
    where = English(language)
    start = time.perf_counter()
    rows = []
    for name in sorted(names):
        original, plain = letters[name].text, Plain(letters[name].text)
        letter = Letter(name, plain.text)
        tagged = tagger.tag(letter.text)
        english = [(plain.back(span), sure) for span, sure in english_spans(letter.text, where)]
        for point in POINTS:
            own = trusted(letter, tagged, point, thresholds, where)
            both = [(plain.back(span), confidence(span, tagged, calibration)) for span in own]
            for layer, limits in ((english, LEAST), (further.get(name, []), least or {})):
                both = merged(both, [one for one in layer if one[1] >= limits[point]], original)
            rows += [(name, point, span.begin, span.end, span.label, sure) for span, sure in both]
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
            plugin=Path(snakemake.input.plugin) if snakemake.input.plugin else None,
            least=snakemake.params.least,
            language=snakemake.params.language,
        )
