"""What surrounds numerical libraries: one thread where the number shows in results, a place for compiled code."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def one_thread() -> AbstractContextManager[object]:
    """Within `with one_thread():` BLAS and OpenMP use one thread, whatever the environment says."""
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


@contextmanager
def compiled_code_cache() -> Iterator[None]:
    """Within it, numba keeps compiled code in a temporary folder that is removed at the end.

    Without a cache folder numba fails where the environment and the home directory are read-only, as in a sandbox.
    A folder that outlives the job would be an undeclared input of the next one. Import what compiles inside.
    """
    with tempfile.TemporaryDirectory(prefix="numba-") as folder:
        before = os.environ.get("NUMBA_CACHE_DIR")
        os.environ["NUMBA_CACHE_DIR"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["NUMBA_CACHE_DIR"]
            else:
                os.environ["NUMBA_CACHE_DIR"] = before
