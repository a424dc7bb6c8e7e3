"""Import a library as if another one, which it would load but we do not need, were not installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unseen(name: str) -> Iterator[None]:
    """Let imports of `name` fail meanwhile, unless it is loaded already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # what makes Python raise ImportError
    try:
        yield
    finally:
        del sys.modules[name]
