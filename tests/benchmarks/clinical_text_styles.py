"""What a letter of another style loses: `python tests/benchmarks/clinical_text_styles.py KIMED_DATA [fold]`.

Trains on the `train` letters of one published fold (no other letter is opened) and on invented texts, chooses the
operating points as the workflow does, and prints totals for the letters of `tests/german_letters`, per group.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY / "tests"), str(REPOSITORY / "tests/benchmarks")]

import text_german_letters  # noqa: E402
import yaml  # noqa: E402
from clinical_text_cases import SUFFIXES, documents  # noqa: E402

from kimedlib.text_dial import Dial, choose, detect  # noqa: E402
from kimedlib.text_documents import read_letter  # noqa: E402
from kimedlib.text_letters import letters as invented  # noqa: E402
from kimedlib.text_letters_styled import styled_letters  # noqa: E402
from kimedlib.text_model_data import Letter  # noqa: E402
from kimedlib.text_plain import plain_letter  # noqa: E402
from kimedlib.text_scores import Counts, characters, leaked, leaks_directly, strict  # noqa: E402
from kimedlib.text_tagger import Model, Settings, train  # noqa: E402


def learn(data: Path, fold: int, folder: Path) -> tuple[Model, Dial]:
    """Model and thresholds, by the settings of config/real."""
    config = yaml.safe_load((REPOSITORY / "config/real/clinical_text.yaml").read_text(encoding="utf-8"))
    case = yaml.safe_load((data / "clinical_text/manifest.yaml").read_text(encoding="utf-8"))["cases"][0]
    folds = json.loads((data / "clinical_text" / case["folds"]).read_text(encoding="utf-8"))
    known = documents(data / "clinical_text" / case["documents"])
    names = sorted(folds[fold]["train"])
    chosen = [plain_letter(read_letter(known[name], SUFFIXES[known[name].suffix], name)) for name in names]
    model = config["model"]
    extra = invented(model["seed"], model["synthetic_letters"]) + styled_letters(model["seed"], model["styled_letters"])
    unseen = train(chosen, extra, folder, Settings(**model["settings"]), 2)
    return Model(folder), choose(chosen, unseen, config["detection"]["safe_char_precision"])


def score(group: list[Letter], model: Model, dial: Dial, point: str) -> dict[str, float]:
    """Totals of a group at an operating point."""
    hidden, exact, lost, leaking = Counts(), Counts(), 0, 0
    for letter in map(plain_letter, group):
        found = detect(Letter(letter.name, letter.text), model.tag(letter.text), point, dial)
        hidden += characters(found, letter)
        exact += strict(found, letter.spans)
        lost += len(leaked(found, letter))
        leaking += leaks_directly(found, letter)
    spans = sum(len(letter.spans) for letter in group)
    return {
        "letters": len(group), "spans": spans, "span_recall": round(1 - lost / spans, 4),
        "char_precision": round(hidden.precision, 4), "strict_f1": round(exact.f1, 4), "letters_leaking": leaking,
    }  # fmt: skip


def main() -> None:
    """Train, and print one line per group and operating point."""
    data, fold = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    start, busy = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        model, dial = learn(data, fold, Path(folder))
        print(f"fold {fold}: {dial}, {time.perf_counter() - start:.0f} s, {time.process_time() - busy:.0f} CPU-s here")
        for group in ("a", "b"):
            for point in ("balanced", "safe"):
                print(group, point, score(text_german_letters.letters(group), model, dial, point))


if __name__ == "__main__":
    main()
