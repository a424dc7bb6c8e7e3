"""English paragraphs get their own layer in detection, and only where the config says so."""

from pathlib import Path

import pandas as pd
import text_english_letters as planted
import text_steps

from kimedlib.text_model_data import Letter, read_lines, write_lines


def test_mixed_documents(chain: Path, tmp_path: Path):
    for name in ("model", "dial.json"):
        (tmp_path / name).symlink_to(chain / name)
    german = read_lines(chain / "documents.jsonl")
    first = text_steps.names(chain, "new")[0]
    english, traps = planted.letter(4, planted.A[0])
    text = f"{english.text}\n\n{planted.GERMAN}"
    write_lines([Letter("mixed", text), german[first]], tmp_path / "documents.jsonl")
    rows = [{"document": name, "role": "new"} for name in ("mixed", first)]
    pd.DataFrame(rows).to_csv(tmp_path / "sheet.tsv", sep="\t", index=False)
    covered: dict[str, dict[str, set[int]]] = {}
    for language in ("de", "auto"):
        text_steps.detect(tmp_path, language=language)
        found = pd.read_csv(tmp_path / "found.tsv", sep="\t").query("point == 'safe'")
        covered[language] = {
            str(name): {p for b, e in zip(part["begin"], part["end"], strict=True) for p in range(b, e)}
            for name, part in found.groupby("document")
        }
    needed = [{p for p in range(span.begin, span.end) if text[p].isalnum()} for span in english.spans]
    hidden = {language: sum(one <= places["mixed"] for one in needed) for language, places in covered.items()}
    assert hidden["auto"] == len(needed) > hidden["de"]
    assert covered["auto"][first] == covered["de"][first]
    assert not [
        text[slice(*one)] for one in traps if set(range(*one)) & covered["auto"]["mixed"] - covered["de"]["mixed"]
    ]
