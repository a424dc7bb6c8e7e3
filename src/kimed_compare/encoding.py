"""Digest of canonical content: equal contents, and only these, have equal digests."""

import hashlib
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def digest(content: Any) -> str:
    """SHA-256 (hexadecimal) over an unambiguous encoding.

    Parameters
    ----------
    content
        Built of None, bool, int, float, str, bytes, tuples, lists, dicts (in any order) and NumPy arrays (of any byte
        order; numbers of one kind count by value, -0.0 is 0.0, every NaN is the same).

    Raises
    ------
    TypeError
        It holds something else.
    """
    sha = hashlib.sha256()
    _feed(sha, content)
    return sha.hexdigest()


_SCALARS: tuple[tuple[type, bytes, Callable[[Any], bytes]], ...] = (
    (type(None), b"N", lambda value: b""),  # noqa: ARG005
    (bool, b"t", lambda value: str(value).encode()),
    (int, b"i", lambda value: str(int(value)).encode()),
    (float, b"f", lambda value: struct.pack("<d", _plain(value))),
    (str, b"s", lambda value: value.encode("utf-8", "surrogateescape")),
    (bytes, b"b", lambda value: value),
)


def _feed(sha: Any, value: Any) -> None:
    for kind, letter, encode in _SCALARS:
        if isinstance(value, kind):
            _piece(sha, letter, encode(value))
            return
    if isinstance(value, tuple | list):
        sha.update(b"l%d;" % len(value))
        for item in value:
            _feed(sha, item)
    elif isinstance(value, dict):
        sha.update(b"d%d;" % len(value))
        for key in sorted(value, key=lambda key: (type(key).__name__, key)):
            _feed(sha, key)
            _feed(sha, value[key])
    elif hasattr(value, "dtype"):
        _array(sha, value)
    else:
        raise TypeError(f"{type(value).__name__} has no canonical encoding")


def _plain(value: float) -> float:
    return float("nan") if value != value else value + 0.0  # noqa: PLR0124 - NaN of any payload; -0.0 + 0.0 is 0.0


def _piece(sha: Any, kind: bytes, data: bytes) -> None:
    sha.update(kind + b"%d;" % len(data))
    sha.update(data)


def _array(sha: Any, value: "np.ndarray[Any, Any]") -> None:
    import numpy as np  # noqa: PLC0415 - importing this package is cheap

    array = np.asarray(value)
    wide = {"f": "<f8", "i": "<i8", "u": "<u8", "b": "|u1", "c": "<c16"}.get(array.dtype.kind)
    shape = "x".join(map(str, array.shape)).encode()
    if wide is None:
        _piece(sha, b"o", shape)
        for item in array.ravel().tolist():
            _feed(sha, item)
        return
    # Integers and unsigned integers are one kind unless the values need the sign bit's place.
    kind = "i" if array.dtype.kind == "u" and (array.size == 0 or array.max() < 2**63) else array.dtype.kind
    data = array.astype("<i8" if kind == "i" else wide)
    if kind in "fc":
        data = np.where(np.isnan(data), np.nan, data + 0.0)
    _piece(sha, b"a" + kind.encode(), shape)
    sha.update(np.ascontiguousarray(data).tobytes())
