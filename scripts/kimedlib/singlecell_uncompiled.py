"""Packages without the compilation that their import starts."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncompiled(package: str) -> Iterator[None]:
    """Within it, `package`, whose import has numba compile for long, is there as plain Python.

    For what a library asks for at its own import, but does not call here. Whoever imports the package afterwards gets
    it compiled. Source: NUMBA_DISABLE_JIT in numba's documentation.
    """
    if package in sys.modules:
        yield
        return
    # Not at the top: numba reads what `compiled_code_cache` sets once, at its own import.
    from numba import config

    before, config.DISABLE_JIT = config.DISABLE_JIT, 1
    try:
        importlib.import_module(package)
    finally:
        config.DISABLE_JIT = before
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
            del sys.modules[name]
