"""What surrounds numerical libraries: one thread where the number shows in results, other processes, compiled code."""

import os
import pickle  # nosec - read only from processes that were started here
import shutil
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

# Where set-up keeps what numba compiled; a part of the environment, as bytecode is.
COMPILED = Path(sys.prefix) / "share" / "kimed" / "numba"


def one_thread() -> AbstractContextManager[object]:
    """Within `with one_thread():` BLAS and OpenMP use one thread, whatever the environment says."""
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


@contextmanager
def compiled_code_cache() -> Iterator[Path]:
    """Within it, numba compiles for any processor, and keeps the code in a temporary folder that is removed at the end.

    Code for this processor's own instructions would add up in another order than that for another's. Without a cache
    folder numba fails where the environment and the home directory are read-only, as in a sandbox. A folder that
    outlives the job would be an undeclared input of the next one, so each job has its own copy of `COMPILED`: numba
    takes from it what was compiled by its own version from unchanged files, and compiles the rest. Import what compiles
    inside.
    """
    with tempfile.TemporaryDirectory(prefix="numba-") as folder:
        if COMPILED.is_dir():
            shutil.copytree(COMPILED, folder, dirs_exist_ok=True)
        wanted = {"NUMBA_CACHE_DIR": folder, "NUMBA_CPU_NAME": "generic"}
        before = {name: os.environ[name] for name in wanted if name in os.environ}
        os.environ.update(wanted)
        try:
            yield Path(folder)
        finally:
            for name in wanted:
                del os.environ[name]
            os.environ.update(before)


def started(function: Callable[[], Any], processes: int = 2) -> Callable[[], Any]:
    """Have a forked process call the function; what is returned waits for its result and must be called once.

    The function's data need not be copied; what it gives is. Only a pipe is used: a sandbox may have no shared memory,
    which Python's own pools need. With fewer than two `processes` the function is called when its result is wanted.

    Raises
    ------
    ChildProcessError
        When the result is asked for: the function failed; its traceback is on stderr.
    """
    if processes < 2:
        return function
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with os.fdopen(writer, "wb") as out:
                pickle.dump(function(), out, protocol=pickle.HIGHEST_PROTOCOL)
            status = 0
        except Exception:  # noqa: BLE001 - whatever it is, the parent must not run on in two copies
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)

    def result() -> Any:
        with os.fdopen(reader, "rb") as source:
            content = source.read()
        if os.waitpid(child, 0)[1] != 0:
            raise ChildProcessError(f"process {child} failed")
        return pickle.loads(content)  # noqa: S301 - our own process wrote it

    return result


def in_processes(function: Callable[[Any], Any], items: Sequence[Any], processes: int) -> list[Any]:
    """`[function(item) for item in items]` by forked processes, for libraries that hold up other threads.

    Raises
    ------
    ChildProcessError
        The function failed; its traceback is on stderr.
    """
    processes = min(processes, len(items))
    if processes < 2:
        return [function(item) for item in items]

    def share(first: int) -> list[Any]:
        return [function(item) for item in items[first::processes]]

    results = [started(partial(share, first)) for first in range(processes)]
    found: list[Any] = [None] * len(items)
    failed = 0
    for first, result in enumerate(results):
        # All are waited for, whichever fails.
        try:
            found[first::processes] = result()
        except ChildProcessError:
            failed += 1
    if failed:
        raise ChildProcessError(f"{failed} of {processes} processes failed")
    return found


def in_order(function: Callable[[Any], Any], items: Iterable[Any], threads: int) -> Iterator[Any]:
    """`map(function, items)` by threads, in order; memory does not grow with the items, as only a few wait."""
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
