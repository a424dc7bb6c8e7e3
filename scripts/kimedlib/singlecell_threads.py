"""What surrounds numerical libraries: one thread where the number shows in results, processes, compiled code."""

import os
import pickle  # nosec - read only from processes that were started here
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def one_thread() -> AbstractContextManager[object]:
    """Within `with one_thread():` BLAS and OpenMP use one thread, whatever the environment says."""
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


@contextmanager
def compiled_code_cache() -> Iterator[None]:
    """Within it, numba compiles for any processor, and keeps the code in a temporary folder that is removed at the end.

    Code for this processor's own instructions would add up in another order than that for another's. Without a cache
    folder numba fails where the environment and the home directory are read-only, as in a sandbox. A folder that
    outlives the job would be an undeclared input of the next one. Import what compiles inside.
    """
    with tempfile.TemporaryDirectory(prefix="numba-") as folder:
        wanted = {"NUMBA_CACHE_DIR": folder, "NUMBA_CPU_NAME": "generic"}
        before = {name: os.environ[name] for name in wanted if name in os.environ}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name in wanted:
                del os.environ[name]
            os.environ.update(before)


def in_processes(function: Callable[[Any], Any], items: Sequence[Any], processes: int) -> list[Any]:
    """`[function(item) for item in items]` by forked processes, for libraries that hold up other threads.

    The items need not be copied; what the function returns is. Only pipes are used: a sandbox may have no shared
    memory, which Python's own pools need.

    Raises
    ------
    ChildProcessError
        The function failed; its traceback is on stderr.
    """
    processes = min(processes, len(items))
    if processes < 2:
        return [function(item) for item in items]
    children = []
    for first in range(processes):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with os.fdopen(writer, "wb") as out:
                    pickle.dump([function(item) for item in items[first::processes]], out)
                status = 0
            except Exception:  # noqa: BLE001 - whatever it is, the parent must not run on in two copies
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writer)
        children.append((child, reader))
    found: list[Any] = [None] * len(items)
    failed = []
    for first, (child, reader) in enumerate(children):
        with os.fdopen(reader, "rb") as source:
            content = source.read()
        if os.waitpid(child, 0)[1] == 0:
            found[first::processes] = pickle.loads(content)  # noqa: S301 - our own process wrote it
        else:
            failed.append(child)
    if failed:
        raise ChildProcessError(f"{len(failed)} of {processes} processes failed")
    return found
