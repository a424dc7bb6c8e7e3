"""A PDF goes through all steps; what comes out is text and annotations, never the PDF."""

import shutil
from pathlib import Path

import pandas as pd
import text_pdfs
import text_steps

from kimedlib.text_documents import read_letter
from kimedlib.text_model_data import read_lines

PAGES = (
    (
        "Universitätsklinikum Freiburg",
        "Betrifft: Herrn Jürgen Erlen-",
        "furtner, geb. 03.04.1951",
        "Tel. 0711 / 445566",
    ),
    ("Mit freundlichen Grüßen", "Dr. med. Paula Seiler"),
)


def test_pdf_becomes_deidentified_text_with_annotations(chain: Path, tmp_path: Path):
    for name in ("model", "dial.json"):
        (tmp_path / name).symlink_to(chain / name)
    for name in ("scores.tsv", "labels.tsv", "points.tsv", "trust.tsv"):
        shutil.copy(chain / name, tmp_path / name)
    (tmp_path / "brief.pdf").write_bytes(text_pdfs.pdf(PAGES))
    sheet = pd.read_csv(chain / "sheet.tsv", sep="\t", dtype=str)
    row = {"document": "brief.pdf", "patient_id": "P009", "role": "new", "format": "pdf"}
    rows = [*sheet[sheet["role"] == "new"].to_dict("records"), {**row, "file": str(tmp_path / "brief.pdf")}]
    pd.DataFrame(rows).to_csv(tmp_path / "sheet.tsv", sep="\t", index=False)
    text_steps.read(tmp_path)
    assert "Jürgen Erlenfurtner,\ngeb." in read_lines(tmp_path / "documents.jsonl")["brief.pdf"].text
    text_steps.detect(tmp_path)
    text_steps.replace(tmp_path, tmp_path, mode="tag")
    text_steps.assess(tmp_path, tmp_path)
    written = [path.name for path in (tmp_path / "deidentified").iterdir() if path.name.startswith("brief")]
    assert sorted(written) == ["brief.pdf.ann", "brief.pdf.txt"]
    letter = read_letter(tmp_path / "deidentified/brief.pdf.txt", "brat", "brief")
    assert not [word for word in ("Erlen", "furtner", "1951", "445566", "Seiler") if word in letter.text]
    assert {letter.text[span.begin : span.end] for span in letter.spans} >= {"[DATE]", "[CONTACT_PHONE]"}
