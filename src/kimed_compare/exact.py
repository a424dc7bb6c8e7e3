"""Byte by byte."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimed_compare.comparator import Comparator, Differences, Measure, Settings


class Exact(Comparator):
    """Content is the bytes; only their digest is kept."""

    name = "exact"
    meaning = "Every byte."
    measures = {"bytes": Measure("Whether any byte differs (0 or 1).", "bytes")}  # noqa: RUF012

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """SHA-256 and size in bytes."""
        with path.open("rb") as file:
            return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": path.stat().st_size}

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:  # noqa: ARG002
        """One difference, with both sizes."""
        result = Differences()
        result.add("bytes", 1, f"bytes differ ({reference['size']} and {found['size']} of them)")
        return result
