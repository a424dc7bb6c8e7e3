"""Observed spread: how far a workflow's outputs lie apart when nothing but threads or software mode differs.

`workflows/<name>/expected/spread.json` keeps it. A tolerance larger than FACTOR times the spread was not earned by
observation and needs a `justification` in outputs.yaml; a test enforces that.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

import kimed_compare
from kimed_compare import ToleranceError
from kimed_spe import canonical
from kimed_spe.declared import DeclaredOutput

TYPE = "kimed-spread/1"
FILE = Path("expected") / "spread.json"
FACTOR = 10.0
"""A few runs do not see the largest spread there is; ten times what they saw is taken as earned."""
SCHEMA: Mapping[str, Any] = {
    "type": "object", "required": ["type", "workflow", "source_tree", "runs", "outputs"], "additionalProperties": False,
    "properties": {
        "type": {"const": TYPE}, "workflow": {"type": "string"},
        "source_tree": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "runs": {"type": "array", "minItems": 2, "items": {
            "type": "object", "required": ["cores", "software"], "additionalProperties": False,
            "properties": {"cores": {"type": "integer", "minimum": 1}, "software": {"enum": ["host", "conda"]}},
        }},
        "not_run": {"type": "array", "items": {"type": "string"}},
        "outputs": {"type": "object", "additionalProperties": {
            "type": "object", "required": ["bit_identical", "spread", "files"], "additionalProperties": False,
            "properties": {
                "bit_identical": {"type": "boolean"}, "files": {"type": "integer", "minimum": 1},
                "spread": {"type": "object", "additionalProperties": {"type": ["number", "string"]}},
            },
        }},
    },
}  # fmt: skip


@dataclass(frozen=True)
class Observed:
    """Spread of one declared output over all runs.

    Attributes
    ----------
    bit_identical
        Whether all runs gave the same bytes.
    files
        How many files it speaks of.
    spread
        Largest distance by measure; a text where it is no finite number.
    """

    bit_identical: bool
    files: int
    spread: Mapping[str, float | str]


def read(workflow: Path) -> dict[str, Observed]:
    """Spread by declared path; nothing if the workflow was never calibrated.

    Raises
    ------
    ValueError
        The file is no such document, or one of another version.
    """
    path = workflow / FILE
    if not path.exists():
        return {}
    content = canonical.decode(path.read_bytes())
    errors = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(content))
    if errors:
        raise ValueError(
            f"{path}: {errors[0].json_path}: {errors[0].message}; `spe reproduce --calibrate` writes it anew"
        )
    return {
        name: Observed(item["bit_identical"], item["files"], item["spread"])
        for name, item in content["outputs"].items()
    }


def write(workflow: Path, content: Mapping[str, Any]) -> Path:
    """Write the document under a temporary name and rename it."""
    path = workflow / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path


def unearned(declared: Iterable[DeclaredOutput], observed: Mapping[str, Observed]) -> list[str]:
    """Tolerances that are larger than FACTOR times the observed spread and say no reason.

    A spread that was never observed earns nothing.
    """
    found = []
    for item in declared:
        if item.justification:
            continue
        seen = observed.get(item.path)
        for measure, limit in limits(item).items():
            spread = seen.spread.get(measure, 0.0) if seen else 0.0
            earned = FACTOR * spread if isinstance(spread, float | int) else 0.0
            if limit > earned:
                told = f"{FACTOR:g} times the spread {spread}" if seen else "the spread, which was never observed"
                found.append(f"{item.path}: {measure} {limit:g} is more than {told}; no justification says why")
    return found


def limits(item: DeclaredOutput) -> Mapping[str, float]:
    """Stated limits by measure.

    Of a comparator that this installation does not have, every number counts as one: a limit must not go unseen.

    Raises
    ------
    ValueError
        A tolerance is not one of its comparator.
    """
    if item.comparator not in kimed_compare.COMPARATORS:
        numbers = {name: value for name, value in item.tolerance.items() if isinstance(value, int | float)}
        return {name: float(value) for name, value in numbers.items()}
    try:
        return kimed_compare.check(item.comparator, item.tolerance).limits
    except ToleranceError as error:
        raise ValueError(f"{item.path}: {error}") from error


def table(observed: Mapping[str, Observed], declared: Sequence[DeclaredOutput]) -> list[str]:
    """The spread as a Markdown table, for publication."""
    lines = ["| output | same bytes | spread observed | tolerance |", "|---|---|---|---|"]
    for item in declared:
        seen = observed.get(item.path)
        if seen:
            spread = ", ".join(f"{name} {_short(value)}" for name, value in seen.spread.items() if value) or "0"
            limit = ", ".join(f"{name} {value:g}" for name, value in limits(item).items()) or "none"
            lines.append(f"| `{item.path}` | {'yes' if seen.bit_identical else 'no'} | {spread} | {limit} |")
    return lines


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2g}"
