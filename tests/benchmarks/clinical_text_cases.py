"""Cases of a clinical-text manifest as runs of the workflow; what a case is follows from its `kind` alone."""

import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import REPOSITORY, Run

SUFFIXES = {".json": "cas_json", ".xmi": "cas_xmi", ".txt": "brat"}
TAILS = ("_phi.json", ".json", ".xmi")


def documents(folder: Path) -> dict[str, Path]:
    """Annotated documents by the names that folds use: the file's, without what an export appends."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and path.name != "TypeSystem.xml":
            name = next((path.name.removesuffix(tail) for tail in TAILS if path.name.endswith(tail)), path.name)
            found[name] = path
    return found


def metrics_of(case: str, root: Path) -> dict[str, float]:
    """The metric names of the design, from scores and logs of a finished run."""
    frame = pd.read_csv(root / "clinical_text/scores.tsv", sep="\t")
    scores = frame.set_index(["sample", "metric"])["value"]
    letters = seconds = 0.0
    for log in sorted((root / "clinical_text/logs/detect_identifiers").glob("*.log")):
        match = re.search(r"letters=(\d+) seconds=([\d.]+)", log.read_text(encoding="utf-8"))
        if match:
            letters, seconds = letters + float(match[1]), seconds + float(match[2])
    return {
        f"{case}.strict_f1": float(scores["balanced", "strict_f1"]),
        f"{case}.relaxed_f1": float(scores["balanced", "relaxed_f1"]),
        f"{case}.untyped_f1": float(scores["balanced", "untyped_f1"]),
        f"{case}.token_f1": float(scores["balanced", "token_f1"]),
        f"{case}.safe_recall": float(scores["safe", "span_recall"]),
        f"{case}.safe_char_precision": float(scores["safe", "char_precision"]),
        f"{case}.docs_leaking_pct": float(scores["safe", "docs_leaking_pct"]),
        f"{case}.terms_destroyed_pct": float(scores["balanced", "terms_destroyed_pct"]),
        f"{case}.letters_per_min": 60 * letters / seconds if seconds else 0.0,
    }


def cross_validation(case: dict[str, Any], data: Path, work: Path) -> Run:
    """All folds of a corpus; training sees the `train` documents of a fold only."""
    known = documents(data / case["documents"])
    sheet = work / f"{case['id']}.samples.tsv"
    rows = [
        {
            "document": name,
            "patient_id": f"D{number:04d}",
            "role": "test",
            "format": SUFFIXES[path.suffix],
            "file": str(path),
        }
        for number, (name, path) in enumerate(known.items(), 1)
    ]
    pd.DataFrame(rows).to_csv(sheet, sep="\t", index=False)
    folds = json.loads((data / case["folds"]).read_text(encoding="utf-8"))
    names = {name for fold in folds for part in ("train", "test") for name in fold[part]}
    if names - set(known):
        raise SystemExit(f"{case['id']}: the folds name documents that are not there: {sorted(names - set(known))[:3]}")
    config = yaml.safe_load((REPOSITORY / "config/clinical_text.yaml").read_text(encoding="utf-8"))
    real = yaml.safe_load((REPOSITORY / "config/real/clinical_text.yaml").read_text(encoding="utf-8"))
    config |= {**real, "samples": str(sheet), "folds": str(data / case["folds"])}
    path = work / f"{case['id']}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return Run("clinical_text", path, [], partial(metrics_of, case["id"]))


def prepare(manifest: dict[str, Any], data: Path, work: Path) -> list[Run]:
    """Runs of all cases of a manifest; paths of the manifest are relative to `data`.

    Raises
    ------
    SystemExit
        A case is of an unknown kind, or lacks documents.
    """
    wrong = [
        f"{case['id']}: unknown kind '{case['kind']}'"
        for case in manifest["cases"]
        if case["kind"] != "cross_validation"
    ]
    if wrong:
        raise SystemExit("; ".join(wrong) + " (known: cross_validation)")
    return [cross_validation(case, data, work) for case in manifest["cases"]]
