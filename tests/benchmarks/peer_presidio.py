"""Microsoft Presidio on the same letters, scored as our own results are: a live peer where it is installed.

    python tests/benchmarks/peer_presidio.py --folder $KIMED_DATA/clinical_text/grascco_phi --language de
    python tests/benchmarks/peer_presidio.py --planted --language en

It is in none of our environments: `pip install presidio-analyzer` somewhere on PYTHONPATH. Where no spaCy model of the
language is installed, a blank one takes its place: then Presidio has its patterns and check digits, but nothing that
finds names, and the output says so. Nothing is downloaded.
"""

import argparse
import inspect
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY / "tests")]

from kimedlib.text_documents import read_letter  # noqa: E402
from kimedlib.text_model_data import Letter, Span  # noqa: E402
from kimedlib.text_scores import Counts, characters, leaked, leaks_directly  # noqa: E402

MODELS = {"de": ("de_core_news_lg", "de_core_news_md", "de_core_news_sm"), "en": ("en_core_web_lg", "en_core_web_sm")}
COUNTRIES = {"de": ("germany",), "en": ("us", "uk")}
Finder = Callable[[str], list[Span]]


def finder(language: str, *, everything: bool) -> tuple[Finder, str]:
    """Presidio's analyser and the spaCy model behind it.

    Parameters
    ----------
    everything
        With all recognisers of the language's countries, also those that are off by default.
    """
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    # the e-mail recogniser would ask the network for the list of public suffixes
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    name = next((model for model in MODELS[language] if spacy.util.is_package(model)), "")

    class Loaded(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": language, "model_name": name or "blank"}])
            self.nlp = {language: spacy.load(name) if name else spacy.blank(language)}

    engine = Loaded()
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=engine)
    if everything:
        for kind in _of_countries(COUNTRIES[language]):
            registry.add_recognizer(kind(supported_language=language))
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])
    return lambda text: [
        Span(one.start, one.end, one.entity_type) for one in analyzer.analyze(text, language=language)
    ], name or "blank"


def _of_countries(countries: Iterable[str]) -> list[Any]:
    import presidio_analyzer.predefined_recognizers as known
    from presidio_analyzer import EntityRecognizer

    return [
        kind
        for _, kind in inspect.getmembers(known, inspect.isclass)
        if issubclass(kind, EntityRecognizer) and any(f".{country}." in kind.__module__ for country in countries)
    ]


def measure(letters: list[Letter], find: Finder) -> dict[str, float]:
    """Whole spans hidden, identifiers among hidden characters, letters leaking a direct one, letters a minute."""
    counts, lost, total, leaking = Counts(), 0, 0, 0
    start = time.perf_counter()
    for letter in letters:
        found = find(letter.text)
        counts += characters(found, letter)
        lost += len(leaked(found, letter))
        total += len(letter.spans)
        leaking += leaks_directly(found, letter)
    seconds = time.perf_counter() - start
    return {
        "letters": len(letters),
        "spans": total,
        "span_recall": 1 - lost / max(total, 1),
        "char_precision": counts.precision,
        "docs_leaking_pct": 100 * leaking / len(letters),
        "letters_per_min": 60 * len(letters) / seconds,
    }


def planted() -> list[Letter]:
    """English letters with invented names, both sets of styles, 20 of each style."""
    import text_english_letters as styles

    return [styles.letter(seed, style)[0] for style in (*styles.A, *styles.B) for seed in range(20)]


def ours(language: str) -> Finder:
    """Our patterns of English letters at `safe`, without any trained model."""
    from kimedlib.text_english import english_spans
    from kimedlib.text_language import English

    return lambda text: [span for span, _ in english_spans(text, English(language))]


def main() -> None:
    """Print a table, one line per set of recognisers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="annotated letters, UIMA-CAS JSON")
    parser.add_argument("--planted", action="store_true", help="English letters with invented names")
    parser.add_argument("--language", choices=("de", "en"), required=True)
    given = parser.parse_args()
    if given.planted == bool(given.folder):
        parser.error("give --folder or --planted")
    letters = (
        planted()
        if given.planted
        else [read_letter(path, "cas_json", path.stem) for path in sorted(given.folder.glob("*.json"))]
    )
    rows = []
    for everything in (False, True):
        find, model = finder(given.language, everything=everything)
        kind = "all recognisers of the language" if everything else "defaults"
        rows.append((f"Presidio, {kind}, spaCy {model}", measure(letters, find)))
    if given.language == "en":
        rows.append(("patterns of English letters, safe", measure(letters, ours("en"))))
    for name, row in rows:
        print(name + "\t" + "\t".join(f"{key}={value:.4g}" for key, value in row.items()))


if __name__ == "__main__":
    main()
