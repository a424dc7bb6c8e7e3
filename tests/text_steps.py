"""A few invented letters taken through the steps of the clinical text workflow, shared by its tests."""

import sys
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts" / folder) for folder in ("clinical_text", "synthetic")]

import apply_plugin  # noqa: E402, F401
import assess_risk  # noqa: E402
import detect_identifiers  # noqa: E402
import export_review  # noqa: E402, F401
import read_documents  # noqa: E402
import replace_identifiers  # noqa: E402
import score_detection  # noqa: E402
import simulate_letters  # noqa: E402
import train_tagger  # noqa: E402
import write_letters  # noqa: E402

from kimedlib.text_tagger import Settings  # noqa: E402

PLAN = (
    "patient_id\tsex\tfamily_name\tgiven_name\tbirth_date\n"
    "P001\tfemale\tErlenfurtner\tGerda\t1950-03-07\nP002\tmale\tÖzgür\tBent\t1961-11-30\n"
)
QUICK = Settings(0.1, 0.01, 20, 0)


def simulate(folder: Path, training: int = 6) -> None:
    (folder / "plan.tsv").write_text(PLAN, encoding="utf-8")
    simulate_letters.main(
        plan=folder / "plan.tsv", folder=folder / "letters", sheet=folder / "sheet.tsv", truth=folder / "truth.tsv",
        relative=str(folder / "letters"), seed=7, training=training, per_patient=2,
    )  # fmt: skip


def read(folder: Path) -> None:
    read_documents.main(sheet=folder / "sheet.tsv", letters=folder / "documents.jsonl")


def names(folder: Path, *roles: str) -> list[str]:
    sheet = pd.read_csv(folder / "sheet.tsv", sep="\t", dtype=str)
    return list(sheet.loc[sheet["role"].isin(roles), "document"])


def learn(folder: Path, target: Path, processes: int = 1, letters: int = 6) -> None:
    write_letters.main(seed=3, number=letters, styled=letters, written=folder / "synthetic.jsonl")
    train_tagger.main(
        documents=folder / "documents.jsonl", synthetic=folder / "synthetic.jsonl",
        model=target / "model", dial=target / "dial.json",
        points=target / "points.tsv", trust=target / "trust.tsv", names=names(folder, "train"),
        settings=QUICK, least_precision=0.8, processes=processes,
    )  # fmt: skip


def detect(folder: Path, **layers: object) -> None:
    detect_identifiers.main(
        documents=folder / "documents.jsonl", model=folder / "model", dial=folder / "dial.json",
        found=folder / "found.tsv",
        names=names(folder, "test", "new"), **layers,
    )  # fmt: skip


def score(folder: Path) -> None:
    score_detection.main(
        documents=folder / "documents.jsonl", found=[folder / "found.tsv"], folds=[names(folder, "test")],
        scores=folder / "scores.tsv", labels=folder / "labels.tsv",
    )  # fmt: skip


def chain(folder: Path) -> None:
    simulate(folder)
    read(folder)
    learn(folder, folder)
    detect(folder)
    score(folder)


def replace(
    folder: Path, target: Path, mode: str = "surrogate", linkage: Path | None = None, keep_weekday: bool = False
) -> None:
    replace_identifiers.main(
        documents=folder / "documents.jsonl", found=folder / "found.tsv", sheet=folder / "sheet.tsv",
        key_file=REPOSITORY / "config/clinical_text.demo.key", linkage=linkage, folder=target / "deidentified",
        audit=target / "audit.tsv", names=names(folder, "test", "new"), point="safe", mode=mode,
        keep_weekday=keep_weekday,
    )  # fmt: skip


def assess(folder: Path, target: Path) -> None:
    assess_risk.main(
        documents=folder / "documents.jsonl", sheet=folder / "sheet.tsv", found=[folder / "found.tsv"],
        folders=[target / "deidentified"], points=[folder / "points.tsv"], trust=[folder / "trust.tsv"],
        dials=[folder / "dial.json"],
        scores=folder / "scores.tsv",
        labels=folder / "labels.tsv",
        risk=target / "risk.tsv", review=target / "review.tsv", picture=target / "dial.png",
        report=target / "risk.html", folds=[names(folder, "test", "new")], least=0.5,
        point="safe", mode="surrogate",
    )  # fmt: skip
