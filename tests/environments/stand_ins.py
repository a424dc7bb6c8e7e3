"""A conda installation and channels of stand-ins, for tests of env files without a network.

The real channels cannot be reached in tests. The packages of the channels made here hold what pip installed into the
environment that runs the tests, under the names and versions that envs/*.yaml pin (where the two differ,
envs/differences.tsv says so), and this Python under the version pinned. Solving, installing, digests and activation
are real (py-rattler); the builds of conda-forge and bioconda are not what is tested.
"""

import asyncio
import csv
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[2]
WHEELS = {"pytorch": "torch", "matplotlib-base": "matplotlib", "python-igraph": "igraph", "python-isal": "isal"}
CONDA = {wheel: conda for conda, wheel in WHEELS.items()}
STAMP = datetime(2026, 1, 1, tzinfo=UTC)
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
ACTIVATE = """\
export CONDA_PREFIX="$1" PATH="$1/bin:$PATH" PYTHONNOUSERSITE=1
unset PYTHONHOME
"""


def normal(name: str) -> str:
    wheel = re.sub(r"[-_.]+", "-", name).lower()
    return CONDA.get(wheel, wheel)


def pins(env: Path) -> dict[str, str]:
    lines = yaml.safe_load(env.read_text())["dependencies"]
    return dict(line.split("=") for line in lines)


def channel_of() -> dict[str, str]:
    with (REPOSITORY / "envs/proven.tsv").open(newline="") as handle:
        return {row["package"]: row["channel"] for row in csv.DictReader(handle, delimiter="\t")}


def needs(dist: Distribution) -> list[Requirement]:
    found = [Requirement(text) for text in dist.requires or ()]
    return [need for need in found if need.marker is None or need.marker.evaluate({"extra": ""})]


def conda_spec(need: Requirement) -> str:
    return f"{normal(need.name)} {','.join(sorted(map(str, need.specifier)))}".strip()


def build_channels(folder: Path, envs: Iterable[Path]) -> Path:
    """Write channels below `folder` with everything that these env files need; returns `folder`."""
    from rattler.index import index_fs

    wanted: dict[str, set[str]] = {}
    for env in envs:
        for name, version in pins(env).items():
            wanted.setdefault(name, set()).add(version)
    pythons = wanted.pop("python", {pins(REPOSITORY / "envs/statistics.yaml")["python"]})
    known, done = channel_of(), set()
    for channel in ("conda-forge", "bioconda"):
        (folder / channel / "linux-64").mkdir(parents=True)
        (folder / channel / "noarch").mkdir()
    for version in sorted(pythons):
        _python(folder / "conda-forge/linux-64", version)
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name in done or name == "python":
            continue
        done.add(name)
        try:
            dist = distribution(WHEELS.get(name, name))
        except PackageNotFoundError:
            continue  # an optional need that pip did not install either
        for version in sorted(wanted.get(name, {dist.version})):
            _package(dist, name, version, folder / known.get(name, "conda-forge") / "linux-64")
        todo += [normal(need.name) for need in needs(dist)]
    for channel in ("conda-forge", "bioconda"):
        asyncio.run(index_fs(folder / channel))
    return folder


def _assemble(name: str, version: str, target: Path, files: Path, depends: list[str]) -> None:
    from rattler_build import ArchiveType, assemble_package

    assemble_package(
        name, version, "linux-64", "stand_in_0", target, files_dir=files, depends=depends, compression_level=1,
        archive_type=ArchiveType.Conda, timestamp=STAMP,
    )  # fmt: skip


def _python(target: Path, version: str) -> None:
    base = Path(sys.base_prefix)
    left_out = shutil.ignore_patterns(
        "__pycache__", "test", "tests", "site-packages", "*.a", "idlelib", "turtledemo", "ensurepip", "lib2to3"
    )
    with tempfile.TemporaryDirectory() as name:
        files = Path(name)
        (files / "bin").mkdir()
        shutil.copy2((base / "bin" / PYTHON).resolve(), files / "bin" / PYTHON)
        for link in ("python", "python3"):
            (files / "bin" / link).symlink_to(PYTHON)
        shutil.copytree(base / "lib" / PYTHON, files / "lib" / PYTHON, symlinks=True, ignore=left_out)
        (files / "lib" / PYTHON / "site-packages").mkdir()
        (files / "lib" / PYTHON / "site-packages" / "README.txt").write_text("packages\n")
        for library in (base / "lib").glob("libpython3*"):
            shutil.copy2(library, files / "lib" / library.name, follow_symlinks=False)
        _assemble("python", version, target, files, [])


def _package(dist: Distribution, name: str, version: str, target: Path) -> None:
    top = Path(sys.prefix).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch)
        for file in dist.files or ():
            source = Path(str(dist.locate_file(file))).resolve()
            if "__pycache__" in source.parts or not source.is_relative_to(top) or not source.is_file():
                continue
            place = files / source.relative_to(top)
            place.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_bytes()
            if place.parent == files / "bin" and text.startswith(b"#!"):
                text = b"#!/usr/bin/env python\n" + text.partition(b"\n")[2]
            place.write_bytes(text)
            place.chmod(source.stat().st_mode & 0o755)
        depends = ["python", *(conda_spec(need) for need in needs(dist) if _is_installed(need))]
        _assemble(name, version.replace("+", "_"), target, files, depends)


def _is_installed(need: Requirement) -> bool:
    try:
        return bool(distribution(need.name))
    except PackageNotFoundError:
        return False


def install_conda(folder: Path, channels: Path) -> dict[str, str]:
    """A prefix with `conda` and `activate`; returns the variables with which commands find it and its channels."""
    (folder / "bin").mkdir(parents=True)
    (folder / "conda-meta").mkdir()
    front_end = Path(__file__).with_name("conda_front_end.py").read_text()
    # A copy in the prefix: inside the enclosure the folder of the tests is not seen.
    command = folder / "bin" / "conda"
    command.write_text(f"#!{sys.executable}\n{front_end}")
    command.chmod(0o755)
    (folder / "bin" / "activate").write_text(ACTIVATE)
    return {"STAND_IN_CHANNELS": channels.as_uri(), "RATTLER_CACHE_DIR": str(folder / "cache")}
