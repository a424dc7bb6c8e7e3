"""One small patient taken through all imaging steps once, for all tests of these steps."""

from pathlib import Path

import imaging_steps
import pytest


@pytest.fixture(scope="package")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imaging")
    imaging_steps.simulate(folder)
    imaging_steps.convert_and_check(folder)
    imaging_steps.train(folder, folder / "model")
    imaging_steps.measure_and_score(folder)
    return folder
