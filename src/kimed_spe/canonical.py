"""One byte representation per JSON value and one digest per file, for everything that is signed or chained."""

import hashlib
import json
import math
import os
import stat
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BLOCK = 1 << 20
"""Bytes read at once."""


def encode(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no white space, UTF-8, no NaN (the subset of RFC 8785 that Python's writer gives).

    Raises
    ------
    ValueError
        The value holds NaN or infinity, which JSON has not.
    TypeError
        The value holds something that JSON has not.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def decode(data: bytes) -> Any:
    """Parse JSON and refuse what two readers could read differently: a key given twice, NaN, 1e999.

    Raises
    ------
    ValueError
        Not UTF-8, not JSON, a repeated key, a number that JSON has not or no computer can hold, or nested without end.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key is given twice")
        return found

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    def finite(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text} is too large for a number")
        return value

    try:
        return json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def plain(text: str) -> str:
    """Text for a terminal: line breaks, escape sequences and characters that turn the order around are spelled out.

    Names of files and messages of jobs are chosen by those who are looked at, not by who looks.
    """
    return "".join(
        letter if unicodedata.category(letter)[0] != "C" and letter not in "\u2028\u2029" else ascii(letter)[1:-1]
        for letter in text
    )


def sha256(data: bytes) -> str:
    """SHA-256 as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a regular file, never through a symbolic link at its last component.

    Raises
    ------
    OSError
        The file is missing, unreadable, or a symbolic link.
    ValueError
        It is no regular file (FIFO, device, socket, directory).
    """
    # Without O_NONBLOCK, opening a FIFO waits for a writer for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{path} is not a regular file")
        digest = hashlib.sha256()
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Read an RFC 3339 time; one without a zone is refused, because it means another time elsewhere.

    Raises
    ------
    ValueError
        No RFC 3339 time, or without zone.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone (write 2026-01-31T00:00:00Z)")
    return found.astimezone(UTC)
