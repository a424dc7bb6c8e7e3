"""Tables: tab- or comma-separated (gzipped or not) and Parquet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimed_compare.arrays import VALUES, add_numbers
from kimed_compare.comparator import NAMES, SWITCH, Comparator, Differences, Measure, Option, Settings, Unreadable

NAME = r"[+-]?0\d+|[+-]?\d{16,}"
"""Digits that are a name, not a number: 007 is not 7, and longer ones than a float holds would become equal."""
COLUMNS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {"absolute": {"type": "number", "minimum": 0}, "relative": {"type": "number", "minimum": 0}},
    },
}


class Table(Comparator):
    """Content is the columns by name; how numbers are written, and the order of columns, is not."""

    name = "table"
    meaning = "Columns by name, row by row; not the order of columns, the separator, or how numbers are written."
    suffixes = (".tsv", ".csv", ".tsv.gz", ".csv.gz", ".parquet")
    measures = {  # noqa: RUF012
        **VALUES,
        "changed_texts": Measure("Number of cells of text that differ.", "texts"),
    }
    options = {  # noqa: RUF012
        "keys": Option("Columns that name a row; rows are paired by them, in any order.", [], NAMES),
        "unordered": Option("Without keys: whether the order of rows means nothing.", False, SWITCH),
        "ignored": Option("Columns that are not looked at.", [], NAMES),
        "columns": Option("Limits of single columns instead of the general ones.", {}, COLUMNS),
    }

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:
        """Columns, each numbers or texts, rows in canonical order."""
        frame = _frame(path)
        for name in (*options["keys"], *options["columns"]):
            if name not in frame:
                raise Unreadable(f"{path.name} has no column {name!r}; it has: {', '.join(frame.columns)}")
        frame = frame.drop(columns=[name for name in options["ignored"] if name in frame])
        order = list(options["keys"]) or (sorted(frame.columns) if options["unordered"] else [])
        if order:
            # Numbers sort by value, whatever their form.
            frame = frame.sort_values(order, key=_sortable, kind="stable", ignore_index=True)
        if options["keys"] and frame.duplicated(list(options["keys"])).any():
            raise Unreadable(f"{path.name}: {', '.join(options['keys'])} do not name rows: some are there twice")
        return {"rows": len(frame), "columns": {name: _column(frame[name]) for name in frame.columns}}

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:
        """Rows, columns, and then cells."""
        import numpy as np  # noqa: PLC0415 - importing this package is cheap

        result = Differences()
        columns = result.keys("column", reference["columns"], found["columns"])
        keys = [name for name in settings.options["keys"] if name in columns]
        if keys:
            places = _paired(result, reference, found, keys)
        elif reference["rows"] != found["rows"]:
            result.structure(f"{found['rows']} rows, expected {reference['rows']}")
            return result
        else:
            places = [np.arange(reference["rows"])] * 2
        for name in sorted(columns - set(keys)):
            first, second = reference["columns"][name], found["columns"][name]
            own = settings.options["columns"].get(name)
            part = Differences()
            _add_column(part, name, _rows(first, places[0]), _rows(second, places[1]))
            _merge(result, part, name, own)
        return result


def _frame(path: Path) -> Any:
    """The table as text; Parquet keeps its types."""
    import pandas as pd  # noqa: PLC0415

    try:
        if path.name.endswith(".parquet"):
            return pd.read_parquet(path)
        separator = "," if ".csv" in path.name else "\t"
        frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_filter=False, index_col=False)
    except (OSError, EOFError, ValueError, ImportError) as error:
        raise Unreadable(f"{path.name} is no readable table: {error}") from error
    # pandas renames a second column of a name, so such a table would look like another one.
    names = _header(path, separator)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Unreadable(f"{path.name}: a column is there twice: {', '.join(twice)}")
    return frame


def _header(path: Path, separator: str) -> list[str]:
    import csv  # noqa: PLC0415
    import gzip  # noqa: PLC0415

    with gzip.open(path, "rt") if path.name.endswith(".gz") else path.open(encoding="utf-8") as file:
        return next(csv.reader(file, delimiter=separator), [])


def _sortable(values: Any) -> Any:
    import pandas as pd  # noqa: PLC0415

    numbers = pd.to_numeric(values, errors="coerce")
    return numbers if numbers.notna().all() else values.astype(str)


def _column(values: Any) -> list[Any]:
    """Numbers if all cells that are not empty are some; empty cells are NaN."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    if pd.api.types.is_bool_dtype(values.dtype):
        values = values.astype(str)
    texts = values.astype(str)
    missing = (texts.isin(["", "NA", "nan", "NaN", "None", "<NA>"]) | values.isna()).to_numpy()
    numbers = pd.to_numeric(values.where(~missing), errors="coerce").astype(float).to_numpy()
    names = texts[~missing].str.fullmatch(NAME).any()
    if not names and not missing.all() and not np.isnan(numbers[~missing]).any():
        return ["numbers", numbers]
    return ["texts", ["" if gone else text for text, gone in zip(texts, missing, strict=True)]]


def _paired(result: Differences, reference: Any, found: Any, keys: list[str]) -> list[Any]:
    """Rows of both sides that have the same keys."""
    import numpy as np  # noqa: PLC0415

    names = [
        {tuple(row): number for number, row in enumerate(zip(*(side["columns"][key][1] for key in keys), strict=True))}
        for side in (reference, found)
    ]
    for here, there, word in ((names[0], names[1], "missing"), (names[1], names[0], "new")):
        gone = [name for name in here if name not in there]
        for name in gone[:5]:
            result.structure(f"row {', '.join(map(str, name))} is {word}")
        if len(gone) > 5:
            result.structure(f"and {len(gone) - 5} more rows are {word}")
    both = [name for name in names[0] if name in names[1]]
    return [np.array([side[name] for name in both], dtype=int) for side in names]


def _rows(column: list[Any], places: Any) -> list[Any]:
    kind, values = column
    return [kind, values[places] if kind == "numbers" else [values[place] for place in places]]


def _add_column(result: Differences, name: str, first: list[Any], second: list[Any]) -> None:
    if first[0] != second[0]:
        result.structure(f"column {name} holds {second[0]}, expected {first[0]}")
    elif first[0] == "numbers":
        add_numbers(result, f"column {name}", first[1], second[1])
    else:
        changed = [row for row, (a, b) in enumerate(zip(first[1], second[1], strict=True)) if a != b]
        if changed:
            one = changed[0]
            what = (
                f"column {name}: {len(changed)} cells, first in row {one + 1}: {first[1][one]!r} -> {second[1][one]!r}"
            )
            result.amounts["changed_texts"] = result.amounts.get("changed_texts", 0.0) + len(changed)
            result.details.append(what)


def _merge(result: Differences, part: Differences, name: str, own: Mapping[str, float] | None) -> None:
    """Take over the distances of a column; one with limits of its own counts only beyond them."""
    if own is not None:
        beyond = [key for key, limit in own.items() if part.amounts.get(key, 0.0) > limit]
        if beyond:
            amounts = ", ".join(f"{key} {part.amounts[key]:.3g}" for key in beyond)
            result.structure(f"column {name} is beyond its own limit: {amounts}")
        part.amounts = {key: amount for key, amount in part.amounts.items() if key not in ("absolute", "relative")}
    for key, amount in part.amounts.items():
        if key == "changed_texts":
            result.amounts[key] = result.amounts.get(key, 0.0) + amount
        elif key == "structure":
            result.structure(part.details.pop(0))
        else:
            result.add(key, amount)
    result.details += part.details
