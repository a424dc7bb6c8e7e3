"""Packages without the compilation of their import, for a library that only asks for them."""

import importlib
import inspect
import sys

import pytest
from numba import config

from kimedlib.singlecell_uncompiled import uncompiled

PACKAGE = """
import numba

@numba.njit("i8(i8)")
def twice(number):
    return 2 * number
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Folder of a package `doubles` whose function is compiled as it is imported."""
    folder = tmp_path / "doubles"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "part.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in ("doubles", "doubles.part"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("package")
def test_a_package_is_plain_python_inside_and_compiled_for_whoever_imports_it_later():
    with uncompiled("doubles"):
        inside = importlib.import_module("doubles").twice
        part = importlib.import_module("doubles.part").twice
        # Only the package: what is defined meanwhile is compiled.
        assert inspect.isfunction(inside) and inside(2) == 4
        assert part.signatures
    assert not {"doubles", "doubles.part"} & set(sys.modules)
    later = importlib.import_module("doubles").twice
    assert later.signatures and later(2) == 4
    with uncompiled("doubles"):  # it is compiled already, and stays
        assert importlib.import_module("doubles").twice is later
    assert sys.modules["doubles"].twice is later


def test_a_package_that_fails_leaves_compilation_on(package):
    (package / "__init__.py").write_text("raise ImportError('broken')\n")
    with pytest.raises(ImportError, match="broken"), uncompiled("doubles"):
        pass
    assert not config.DISABLE_JIT
