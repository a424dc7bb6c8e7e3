"""A few letters taken through all steps once, for all tests of these steps."""

from pathlib import Path

import pytest
import text_steps


@pytest.fixture(scope="package")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinical_text")
    text_steps.chain(folder)
    return folder
