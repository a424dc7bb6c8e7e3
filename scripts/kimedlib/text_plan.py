"""Which letters train and which are judged, and what can be wrong with a sheet of documents before any job starts."""

import json
from pathlib import Path

import pandas as pd

from kimedlib.problems import InputProblems, Problem
from kimedlib.sheet import numbered
from kimedlib.text_documents import written_name

FEWEST_TRAINING = 4
SUFFIXES = {
    "text": (".txt",), "cas_json": (".json",), "cas_xmi": (".xmi",), "brat": (".txt",), "fhir": (".json",),
    "pdf": (".pdf",),
}  # fmt: skip


def check_files(frame: pd.DataFrame, sheet: str) -> list[Problem]:
    """Missing files, names that do not suit the format, one file named twice, two documents written to one file."""
    problems = []
    seen: dict[str, int] = {}
    written: dict[str, int] = {}
    for number, row in numbered(frame):
        path, place = str(row["file"]), f"line {number}, column file"
        if not Path(path).is_file():
            problems.append(Problem(sheet, place, f"there is no file {path}", "correct the path"))
        elif Path(path).stat().st_size == 0:
            problems.append(Problem(path, "", "is empty", "remove its row, or export the document again"))
        if not path.endswith(SUFFIXES[row["format"]]):
            wanted = " or ".join(SUFFIXES[row["format"]])
            problems.append(
                Problem(sheet, place, f"'{path}' is not named like {row['format']}", f"a file name ending in {wanted}")
            )
        if path in seen:
            problems.append(
                Problem(sheet, place, f"'{path}' stands already in line {seen[path]}", "give each document once")
            )
        seen.setdefault(path, number)
        target = written_name(str(row["document"]), str(row["format"])).casefold()
        if target in written:
            place = f"line {number}, column document"
            found = f"'{row['document']}' would be written to the file of line {written[target]}"
            problems.append(Problem(sheet, place, found, "give the documents names that differ without their endings"))
        written.setdefault(target, number)
    return problems


def folds(frame: pd.DataFrame, sheet: str, published: str | None) -> dict[str, dict[str, list[str]]]:
    """Names of the documents that train and of those that are judged, per fold.

    Parameters
    ----------
    published
        JSON file with a list of `{train: [...], dev: [...], test: [...]}` of document names; `dev` is not used. None:
        one fold `all`, made of the sheet's roles.

    Raises
    ------
    InputProblems
        A fold names an unknown document, or one on both sides; fewer than four letters train; none is judged.
    """
    if published is None:
        roles = frame.groupby("role")["document"].apply(list).to_dict()
        chosen = {"all": {"train": roles.get("train", []), "test": roles.get("test", []) + roles.get("new", [])}}
    else:
        listed = _listed(published)
        chosen = {f"fold{number}": {"train": one["train"], "test": one["test"]} for number, one in enumerate(listed)}
    problems = []
    known = set(frame["document"])
    file = published or sheet
    for name, parts in chosen.items():
        unknown = sorted({*parts["train"], *parts["test"]} - known)
        both = sorted(set(parts["train"]) & set(parts["test"]))
        problems += [Problem(file, name, f"document '{one}' is not in {sheet}", "add its row") for one in unknown]
        problems += [
            Problem(file, name, f"document '{one}' trains and is judged", "take it out of one") for one in both
        ]
        if len(parts["train"]) < FEWEST_TRAINING:
            problems.append(
                Problem(file, name, f"has {len(parts['train'])} training letters", f"at least {FEWEST_TRAINING}")
            )
        if not parts["test"]:
            problems.append(Problem(file, name, "has no letter to de-identify", "role test or new"))
    if problems:
        raise InputProblems(problems)
    return chosen


def _listed(published: str) -> list[dict[str, list[str]]]:
    """The folds of a JSON file.

    Raises
    ------
    InputProblems
        No such file, no JSON, or not a list of objects with lists of names.
    """
    remedy = 'give a JSON list of {"train": [names], "dev": [names], "test": [names]}'
    try:
        listed = json.loads(Path(published).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputProblems([Problem(published, "", error.strerror or str(error), remedy)]) from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        found = f"is no JSON: {str(error).split(':')[0]}"
        raise InputProblems([Problem(published, "", found, remedy)]) from None
    if not isinstance(listed, list) or not listed:
        raise InputProblems([Problem(published, "", "is no list of folds", remedy)])
    wrong = [
        Problem(published, f"fold{number}", f"has no list of names '{part}'", remedy)
        for number, one in enumerate(listed)
        for part in ("train", "test")
        if not isinstance(one, dict)
        or not isinstance(one.get(part), list)
        or not all(isinstance(name, str) for name in one[part])
    ]
    if wrong:
        raise InputProblems(wrong)
    return listed


def files(frame: pd.DataFrame) -> list[str]:
    """All files that reading needs: those of the sheet, and what stands beside them (annotations, a type system)."""
    found = set(frame["file"])
    for row in frame.to_dict("records"):
        path = Path(str(row["file"]))
        beside = {"brat": path.with_suffix(".ann"), "cas_xmi": path.with_name("TypeSystem.xml")}.get(str(row["format"]))
        if beside is not None and beside.is_file():
            found.add(str(beside))
    return sorted(found)


def model_files(folder: str) -> list[str]:
    """All files of the folder of a user's model, of an empty one the first that is missing."""
    found = sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
    return found or [str(Path(folder) / "config.json")]


def judged(chosen: dict[str, dict[str, list[str]]], frame: pd.DataFrame) -> dict[str, list[str]]:
    """Per fold the documents whose annotations are the truth to compare with: all but those of role `new`."""
    new = set(frame.loc[frame["role"] == "new", "document"])
    return {fold: sorted(set(parts["test"]) - new) for fold, parts in chosen.items()}
