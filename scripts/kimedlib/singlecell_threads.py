"""One thread for linear algebra, where the number of threads would show in the last bits of a result."""

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def one_thread() -> AbstractContextManager[object]:
    """Within `with one_thread():` BLAS and OpenMP use one thread, whatever the environment says."""
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits
