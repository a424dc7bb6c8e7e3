"""A real SLURM for the tests in this folder; they run one after the other, in one process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from slurm import accounting
from slurm.accounting import Accounted
from slurm.cluster import Cluster, NoSlurm, provide

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("slurm"))


def _started(kind: type[Cluster], folder: Path, *provided: Callable[[], object]) -> Iterator[Cluster]:
    """A cluster as long as it is needed; skipped with one line where there can be none."""
    try:
        for needed in provided:
            needed()
    except NoSlurm as reason:
        pytest.skip(str(reason))
    found = kind(folder)
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three idle nodes without accounting."""
    yield from _started(Cluster, tmp_path_factory.mktemp("slurm"), provide)


@pytest.fixture(scope="session")
def accounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The same with slurmdbd and MariaDB."""
    yield from _started(Accounted, tmp_path_factory.mktemp("accounted"), provide, accounting.provide)
