"""Sample sheets and configs: read as text, checked against a closed JSON Schema, all errors at once."""

import csv
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from kimedlib.problems import InputProblems, Problem, raise_if

if TYPE_CHECKING:  # pandas takes 0.4 s to import, which is longer than all else that is done here
    import pandas as pd


class Row(dict[str, str]):
    """A line of a sheet by column; `line` is its number in the file, blank lines counted."""

    line: int

    def __init__(self, cells: Mapping[str, str], line: int) -> None:
        super().__init__(cells)
        self.line = line


def load_schema(path: Path) -> dict[str, Any]:
    """A JSON Schema written as YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C, where PyYAML was built with it
    schema: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - both are safe loaders
    return schema


def remedy(error: ValidationError, schema: dict[str, Any]) -> str:
    """What to write instead, from the schema's own description of the field."""
    part: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties":
        return f"remove or rename it; known: {', '.join(sorted(part.get('properties', {})))}"
    if error.validator == "required":
        return "add it"
    if error.validator == "enum":
        return f"use one of: {', '.join(map(str, part['enum']))}"
    described = part.get("description") or schema.get("description", "")
    return f"expected: {described}" if described else f"expected {error.validator} {error.validator_value}"


def unset_variables(text: str) -> list[str]:
    """Names of the environment variables that `text` refers to and that are not set."""
    return re.findall(r"\$\{?(\w+)", os.path.expandvars(text))


def expand_variables(config: Any, file: str, place: str = "$") -> Any:
    """The config with `$NAME` and `${NAME}` in its strings replaced from the environment.

    Raises
    ------
    InputProblems
        A variable is not set.
    """
    if isinstance(config, dict):
        return {key: expand_variables(value, file, f"{place}.{key}") for key, value in config.items()}
    if isinstance(config, list):
        return [expand_variables(value, file, f"{place}[{number}]") for number, value in enumerate(config)]
    if not isinstance(config, str):
        return config
    missing = unset_variables(config)
    raise_if(
        Problem(file, f"key {place}", f"'{config}' needs the variable {name}", f"export {name}=...") for name in missing
    )
    return os.path.expandvars(config)


def check_config(config: dict[str, Any], schema_path: Path, file: str) -> None:
    """Check a loaded config against its schema.

    Raises
    ------
    InputProblems
        With one entry per wrong, missing or unknown key.
    """
    schema = load_schema(schema_path)
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    raise_if(Problem(file, f"key {error.json_path}", error.message, remedy(error, schema)) for error in errors)


def read_sheet(path: str | Path, schema_path: Path) -> "pd.DataFrame":
    """The rows of `read_rows` as a data frame of strings with all columns of the schema; `numbered` has their lines."""
    import pandas as pd

    rows = read_rows(path, schema_path)
    frame = pd.DataFrame(rows, dtype=str)
    frame.attrs["lines"] = [row.line for row in rows]
    return frame


def numbered(rows: "Sequence[Mapping[Any, str]] | pd.DataFrame") -> list[tuple[int, Mapping[Any, str]]]:
    """Rows of `read_rows` or `read_sheet` with their lines in the file; others are counted behind a header."""
    if isinstance(rows, Sequence):
        return [(getattr(row, "line", number), row) for number, row in enumerate(rows, 2)]
    lines = rows.attrs.get("lines", range(2, len(rows) + 2))
    return list(zip(lines, rows.to_dict("records"), strict=True))


def read_rows(path: str | Path, schema_path: Path) -> list[Row]:
    """Read a tab-separated sheet and check every cell.

    The schema describes one row (`type: object`, all values strings); its keyword `x-unique` lists
    the columns whose values together may occur only once. Empty cells of optional columns count as absent.

    Returns
    -------
    list
        One row per line with all columns of the schema, in its order; absent values are "".

    Raises
    ------
    InputProblems
        File missing, empty, not UTF-8, without tabs; unknown, missing or repeated columns; ragged lines; bad or
        repeated values. All at once, with file, line, column, value and remedy.
    """
    file = str(path)
    schema = load_schema(schema_path)
    properties = schema["properties"]
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, delimiter="\t")
            lines, number = [], 1  # a quoted cell may go over several lines: the first is told
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    lines.append((number, cells))
                number = reader.line_num + 1
    except OSError as error:
        raise InputProblems(
            [Problem(file, "", error.strerror or str(error), "give the path of a sample sheet")]
        ) from None
    except UnicodeDecodeError:
        raise InputProblems([Problem(file, "", "is not UTF-8 text", "save it as tab-separated UTF-8 text")]) from None
    if len(lines) < 2:
        raise InputProblems(
            [Problem(file, "", "has no samples", f"a header line ({', '.join(properties)}) and one line per sample")]
        )
    header = [name.strip() for name in lines[0][1]]
    if separator := other_separator(header, properties):
        found = f"its columns are separated by '{separator}', not by tabs"
        raise InputProblems([Problem(file, f"line {lines[0][0]}", found, "save it as tab-separated text")])
    problems = check_header(file, header, schema)
    rows = []
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            problems.append(
                Problem(
                    file,
                    f"line {number}",
                    f"has {len(cells)} cells, the header has {len(header)}",
                    "separate cells by one tab each",
                )
            )
            continue
        problems += [
            Problem(file, f"line {number}", f"the variable {name} is not set", f"export {name}=...")
            for cell in cells
            for name in unset_variables(cell)
        ]
        expanded = [os.path.expandvars(cell).strip() for cell in cells]
        row = {name: cell for name, cell in zip(header, expanded, strict=True) if cell}
        rows.append((number, row))
        problems += check_row(file, number, {name: value for name, value in row.items() if name in properties}, schema)
    problems += check_unique(file, rows, schema.get("x-unique", []))
    raise_if(problems)
    return [Row({name: row.get(name, "") for name in properties}, number) for number, row in rows]


def other_separator(header: list[str], columns: Collection[str]) -> str | None:
    """What separates the names of a header that has no tabs; None where nothing that is known does."""
    if len(header) != 1:
        return None
    return next((one for one in ";,|" if len(set(map(str.strip, header[0].split(one))) & set(columns)) > 1), None)


def check_header(file: str, header: list[str], schema: dict[str, Any]) -> list[Problem]:
    """Unknown, missing and repeated columns."""
    known = ", ".join(schema["properties"])
    problems = [
        Problem(file, "line 1", f"unknown column '{name}'", f"remove or rename it; known: {known}")
        for name in header
        if name not in schema["properties"]
    ]
    problems += [
        Problem(file, "line 1", f"column '{name}' is missing", f"add it: {schema['properties'][name]['description']}")
        for name in schema.get("required", [])
        if name not in header
    ]
    repeated = sorted({name for name in header if header.count(name) > 1})
    return problems + [Problem(file, "line 1", f"column '{name}' stands twice", "keep one") for name in repeated]


def check_row(file: str, number: int, row: dict[str, str], schema: dict[str, Any]) -> list[Problem]:
    """Bad values of one line."""
    problems = []
    for error in Draft202012Validator(schema).iter_errors(row):
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in row and f"'{name}'" in error.message]
            for name in missing:
                text = schema["properties"].get(name, {}).get("description", "a value")
                problems.append(Problem(file, f"line {number}, column {name}", "is empty", f"expected: {text}"))
            continue
        column = str(error.path[0]) if error.path else ""
        place = f"line {number}, column {column}" if column else f"line {number}"
        found = f"'{error.instance}' is not allowed" if column else error.message
        problems.append(Problem(file, place, found, remedy(error, schema)))
    return sorted(set(problems))


def check_unique(file: str, rows: list[tuple[int, dict[str, str]]], columns: list[str]) -> list[Problem]:
    """Lines that repeat the key of an earlier one."""
    first: dict[tuple[str, ...], int] = {}
    problems = []
    for number, row in rows:
        key = tuple(row.get(name, "") for name in columns)
        if columns and key in first:
            shown = ", ".join(f"{name} '{value}'" for name, value in zip(columns, key, strict=True))
            problems.append(
                Problem(file, f"line {number}", f"{shown} stands already in line {first[key]}", "give each sample once")
            )
        first.setdefault(key, number)
    return problems
