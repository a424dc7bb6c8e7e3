"""The SLURM of tests/slurm, in the same process as its other users."""

from pathlib import Path

import pytest
from slurm.conftest import cluster

__all__ = ["cluster"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("slurm"))
