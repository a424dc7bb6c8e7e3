"""Outputs appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(final: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `final`; rename it to `final` when the block ends well.

    The temporary name keeps all suffixes, since writers choose format and compression by them. A folder that stands
    where a new one goes is replaced.

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
        folder = temporary.is_dir()
        if not (any(temporary.iterdir()) if folder else temporary.exists() and temporary.stat().st_size):
            raise ValueError(f"{target}: the step wrote nothing")
        if folder and target.is_dir():
            shutil.rmtree(target)
        temporary.replace(target)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)
