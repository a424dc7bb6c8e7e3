"""The whole demonstrator on the letters of test_data: planted identifiers are found, and the same twice."""

from pathlib import Path

import pandas as pd
import pytest

# Half the training: the order of things is tested here, the accuracy on real letters by the benchmark.
QUICK = {"model": {"synthetic_letters": 25, "styled_letters": 10, "settings": {"iterations": 30}}}
EXACT = (
    "scores.tsv",
    "labels.tsv",
    "detections/all.tsv",
    "dials/all.json",
    "dials/all.tsv",
    "models/all/stage1.crf",
    "models/all/stage2.crf",
)


@pytest.fixture(scope="module")
def run(snakemake_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clinical_text")
    snakemake_run("clinical_text", root, config=QUICK, offline=True)
    return root / "clinical_text"


def test_planted_identifiers_are_found(run: Path):
    scores = pd.read_csv(run / "scores.tsv", sep="\t").set_index(["sample", "metric"])["value"]
    assert scores["balanced", "strict_f1"] >= 0.9
    assert scores["safe", "span_recall"] >= 0.97 and scores["safe", "char_precision"] >= 0.85
    assert scores["balanced", "terms_destroyed_pct"] <= 1


def test_every_letter_is_worked_on_and_nothing_that_was_found_is_left_in_results(run: Path, repository: Path):
    sheet = pd.read_csv(repository / "config/clinical_text.samples.tsv", sep="\t", dtype=str)
    found = pd.read_csv(run / "detections/all.tsv", sep="\t")
    assert set(found["document"]) == set(sheet.loc[sheet["role"] != "train", "document"])
    assert not [*run.glob("originals/*"), *run.glob("invented/*")], "text in clear is temporary"
    truth = pd.read_csv(repository / "test_data/truth/letters.tsv", sep="\t", dtype=str)
    judged = truth[
        truth["document"].str.startswith("P") & truth["label"].isin(["NAME_PATIENT", "CONTACT_PHONE", "CONTACT_EMAIL"])
    ]
    safe = found[found["point"] == "safe"]
    hidden: dict[str, set[bytes]] = {}
    for span in judged.itertuples():
        same = safe[safe["document"] == span.document]
        covered = {place for begin, end in zip(same["begin"], same["end"], strict=True) for place in range(begin, end)}
        if len(span.original) > 4 and set(range(int(span.begin), int(span.end))) <= covered:
            hidden.setdefault(span.document, set()).add(span.original.encode())
    # What half-trained models miss is counted in scores.tsv; what they found must be gone.
    assert len(hidden) > 10 and sum(map(len, hidden.values())) > 50
    every = {word for words in hidden.values() for word in words if len(word) > 9}
    for path in run.rglob("*"):
        if path.is_file() and "models" not in path.parts:
            words = hidden.get(path.stem, set()) if "deidentified" in path.parts else every
            content = path.read_bytes()
            assert not [word for word in words if word in content], path


@pytest.mark.slow
def test_same_digests_twice(run: Path, snakemake_run, tmp_path: Path):
    snakemake_run("clinical_text", tmp_path, config=QUICK, cores=1)
    for name in EXACT:
        assert (tmp_path / "clinical_text" / name).read_bytes() == (run / name).read_bytes(), name
