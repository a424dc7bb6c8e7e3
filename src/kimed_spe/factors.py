"""The four things that a result depends on: code, parameters, environment, inputs. Which file is which."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from kimed_spe import canonical

CODE, PARAMETER, ENVIRONMENT, INPUT = "code", "parameter", "environment", "input"
FACTORS = (CODE, PARAMETER, ENVIRONMENT, INPUT)
EXPECTED = "expected"
"""Folder with what a workflow is expected to give; it changes no result."""
CONFIG_FILES = ("config.yaml", "config.yml", "config.json")
STRUCTURED = (".yaml", ".yml", ".json")
DESCRIPTIONS = ("README.md", "outputs.yaml")
ABSOLUTE = re.compile(r"(?:^|[\s\"'=(:,\[{])/(?!/)[\w.-]+/[\w.-]*")
"""An absolute path of at least two parts, at the start of a text or of a word in it."""


def factor(path: str) -> str | None:
    """The factor that a file of a workflow's source tree belongs to, or None if no result can depend on it."""
    parts = PurePosixPath(path).parts
    if EXPECTED in parts or parts[-1] in DESCRIPTIONS:
        return None
    if parts[0] == "config" or parts[-1] in CONFIG_FILES:
        return PARAMETER
    return ENVIRONMENT if "envs" in parts else CODE


def flat_parameters(root: Path, files: Iterable[str]) -> dict[str, Any]:
    """Every parameter of the configuration files by `file: key.key`; a value that holds a path only as its digest.

    Files that are no configuration (sample sheets, keys) are told by the tree's digests. So are schemas: they describe
    parameters and set none.
    """
    found: dict[str, Any] = {}
    for name in sorted(files):
        path = PurePosixPath(name)
        if factor(name) != PARAMETER or path.suffix not in STRUCTURED or "schemas" in path.parts:
            continue
        try:
            content = yaml.safe_load((root / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        found.update({f"{name}: {key}": value for key, value in _flat(content, "")})
    return found


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, bool | int | float) or value is None:
        # JSON has no infinity.
        yield key, value if value is None or abs(value) < float("inf") else str(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
        yield key, f"sha256:{canonical.sha256(text.encode())}" if _secret(text) else text


def _secret(text: str) -> bool:
    """Whether a value is a machine's path, or says who somebody is on it."""
    return bool(ABSOLUTE.search(text)) or text.startswith("~") or "://" in text
