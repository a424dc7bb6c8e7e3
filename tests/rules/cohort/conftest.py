"""One study of planted subtypes and one without any, run once for all tests of the cohort steps."""

from pathlib import Path

import cohort_steps
import pytest


@pytest.fixture(scope="package")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    cohort_steps.whole_study(folder, seed=201, effect_size=1.0)
    return folder


@pytest.fixture(scope="package")
def empty_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty_study")
    cohort_steps.whole_study(folder, seed=102, effect_size=0.0)
    return folder
