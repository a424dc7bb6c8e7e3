"""Outputs appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(final: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `final`; rename it to `final` when the block ends well.

    The temporary name keeps all suffixes, since writers choose format and compression by them.

    Raises
    ------
    ValueError
        The block ended without writing anything: a silent empty result is an error.
    """
    target = Path(final)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".partial-{os.getpid()}-{target.name}")
    try:
        yield temporary
        if not temporary.exists() or temporary.stat().st_size == 0:
            raise ValueError(f"{target}: the step wrote nothing")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
