"""`workflows/<name>/outputs.yaml`: what a workflow's results are, who may see them, and how they are compared.

The contract between demonstrators and this layer, which reads nothing else of a workflow.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from kimed_spe.outputs import STAMP

PREFIX = "results/"
"""Paths begin with it; it stands for the root folder of the results."""


class DeclarationError(ValueError):
    """The file cannot be relied on; names file and field."""


@dataclass(frozen=True)
class DeclaredOutput:
    """One entry.

    Attributes
    ----------
    path
        As declared, beginning with `results/`; `{name}` stands for a part without `/`.
    meaning
        What it is, for people.
    egress
        `never` (individual-level), `check` (aggregate, needs review) or `open` (no person behind it).
    comparator
        Name of a comparator of `kimed_compare`.
    tolerance
        Limits by measure; their meaning is the comparator's.
    justification
        Why the tolerance is larger than the spread that was observed asks for.
    only_if
        What has to be asked for, if not every run makes it.
    """

    path: str
    meaning: str
    egress: str
    comparator: str
    tolerance: Mapping[str, Any]
    justification: str = ""
    only_if: str = ""

    def pattern(self) -> "re.Pattern[str]":
        """Regular expression of the paths relative to the results' root."""
        parts = re.split(r"\{[^}]*\}", self.path.removeprefix(PREFIX))
        return re.compile("[^/]+".join(re.escape(part) for part in parts))

    def files(self, root: Path) -> list[Path]:
        """Files (or folders, if a folder is declared) below `root` that it speaks of, sorted.

        Snakemake's own mark in a `directory()` is no result.
        """
        glob = re.sub(r"\{[^}]*\}", "*", self.path.removeprefix(PREFIX))
        found = (path for path in root.glob(glob) if path.name != STAMP)
        return sorted(path for path in found if self.pattern().fullmatch(path.relative_to(root).as_posix()))


@functools.cache
def schema() -> Any:
    """The published JSON Schema of outputs.yaml."""
    return json.loads(resources.files("kimed_spe").joinpath("data/outputs.schema.json").read_text(encoding="utf-8"))


def load(path: Path) -> list[DeclaredOutput]:
    """Read a workflow's outputs.yaml.

    Raises
    ------
    DeclarationError
        It is missing, no YAML, or does not match the schema; the message names every field.
    """
    return [
        DeclaredOutput(
            path=entry["path"],
            meaning=entry["meaning"],
            egress=entry["egress"],
            comparator=entry["comparator"],
            tolerance=entry.get("tolerance", {}),
            justification=entry.get("justification", ""),
            only_if=entry.get("only_if", ""),
        )
        for entry in _read(path)["outputs"]
    ]


def includes(path: Path) -> list[str]:
    """Names of the workflows whose declared results this one makes as well.

    Raises
    ------
    DeclarationError
        As `load`.
    """
    return list(_read(path).get("includes", []))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DeclarationError(f"{path}: cannot be read: {error}") from error
    errors = sorted(jsonschema.Draft202012Validator(schema()).iter_errors(content), key=lambda error: error.json_path)
    if errors:
        raise DeclarationError("\n".join(f"{path}: {error.json_path}: {error.message}" for error in errors))
    return dict(content)
