"""The digest follows imports; random streams depend on their purpose alone."""

from pathlib import Path

import numpy as np
import pytest

from kimedlib.library import library_digest
from kimedlib.seeding import generator


def scripts(tmp_path: Path, **modules: str) -> Path:
    (tmp_path / "kimedlib").mkdir(exist_ok=True)
    (tmp_path / "genomics").mkdir(exist_ok=True)
    (tmp_path / "genomics" / "step.py").write_text("import os\nfrom kimedlib.first import f\n")
    for name, text in modules.items():
        (tmp_path / "kimedlib" / f"{name}.py").write_text(text)
    return tmp_path


def digest(folder: Path) -> str:
    library_digest.cache_clear()
    return library_digest(folder, "genomics/step")


def test_digest_changes_with_direct_and_indirect_imports_only(tmp_path):
    folder = scripts(tmp_path, first="from kimedlib import second\n", second="x = 1\n", unrelated="x = 1\n")
    before = digest(folder)
    scripts(tmp_path, unrelated="x = 2\n")
    assert digest(folder) == before
    scripts(tmp_path, second="x = 2\n")
    indirect = digest(folder)
    assert indirect != before
    scripts(tmp_path, first="from kimedlib import second  # changed\n")
    assert digest(folder) not in {before, indirect}


def test_missing_module_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"second\.py"):
        digest(scripts(tmp_path, first="import kimedlib.second\n"))


def test_streams_are_reproducible_and_independent():
    first = generator(1, "reads", "P001").random(1000)
    assert np.array_equal(first, generator(1, "reads", "P001").random(1000))
    for other in (generator(2, "reads", "P001"), generator(1, "reads", "P002"), generator(1, "cells", "P001")):
        # 1,000 pairs of independent uniforms: |r| beyond 0.15 has a probability below 1e-5.
        assert abs(np.corrcoef(first, other.random(1000))[0, 1]) < 0.15
