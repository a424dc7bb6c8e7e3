"""What must never be committed."""

import re
from pathlib import Path

import pytest

from architecture.model import REPOSITORY, relative, tracked

# Joined here so that this file does not hold what it looks for.
HOSTS = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"), ("npmjs", "org"), ("debian", "org"))
]
TEXT = [
    path
    for path in tracked(".")
    if path.suffix in {".py", ".smk", ".md", ".yaml", ".yml", ".toml", ".lock", ".txt", ".sh", ".tsv", ".cff", ""}
]


@pytest.mark.parametrize("path", [p for p in TEXT if "test_data" not in p.parts], ids=relative)
def test_names_no_registry_host_machine_path_or_secret(path: Path):
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        pytest.fail(f"{relative(path)} has a text suffix but is not UTF-8")
    for host in HOSTS:
        assert host not in text
    assert str(REPOSITORY) not in text
    assert not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", text) or "demo" in path.name


def test_no_leftovers():
    for path in tracked("scripts/**/*.py", "src/**/*.py", "rules/**/*.smk", "workflows/*/Snakefile", "envs/host/**"):
        text = path.read_text(encoding="utf-8")
        for word in ("TO" + "DO", "FIX" + "ME", "raise NotImplemented"):
            assert word not in text, f"{relative(path)}: {word}"
