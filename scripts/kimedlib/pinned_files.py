"""Input files that the config pins by their digest."""

import hashlib
from pathlib import Path

from kimedlib.problems import InputProblems, Problem


def check_digest(path: Path, expected: str, key: str) -> None:
    """Compare a file's SHA-256 with what the config says.

    Raises
    ------
    InputProblems
        It is another; the message names `key` of the config.
    """
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if digest != expected:
        found = f"sha256 is {digest}, `{key}` says {expected}"
        raise InputProblems([Problem(str(path), "", found, "use the file that was meant, or correct the digest")])
