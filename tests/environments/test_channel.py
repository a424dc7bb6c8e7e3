"""Unmodified env files are solved, installed and used from channels of stand-ins (stand_ins.py says what those are).

And a pin file that cannot be installed is an error: altered digest, missing package, channel that does not answer.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import certifi
import pytest
from conftest import no_network
from environments import stand_ins
from spe import runs

FASTQ = "".join(f"@read{number}\n{'ACGTTGCA' * 12}\n+\n{'I' * 96}\n" for number in range(50))
WORKFLOW = """
rule all:
    input: "results/quality.json"

rule quality:
    input: "data/reads.fastq"
    output: "results/quality.json"
    log: "logs/quality.log"
    conda: "envs/sequali.yaml"
    shell: "command -v sequali > {log}; sequali --json $(basename {output}) --outdir results {input} >> {log} 2>&1"
"""
PYTHON_ONLY = ("statistics", "genomics_python", "imaging", "singlecell", "multiqc", "sequali")


@dataclass
class Site:
    """A conda and its channels."""

    conda: Path
    channels: Path
    variables: dict[str, str]

    def run(self, *command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        variables = os.environ | self.variables | {"PATH": f"{self.conda}/bin:{os.environ['PATH']}"}
        return subprocess.run(
            command, cwd=folder, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False, timeout=300,
        )  # fmt: skip


def site(folder: Path, *names: str) -> Site:
    envs = [stand_ins.REPOSITORY / "envs" / f"{name}.yaml" for name in names]
    channels = stand_ins.build_channels(folder / "channels", envs)
    return Site(folder / "conda", channels, stand_ins.install_conda(folder / "conda", channels))


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("conda")
    yield site(folder, "sequali")
    shutil.rmtree(folder)


@pytest.fixture
def project(tmp_path, small) -> runs.Project:
    made = runs.project(tmp_path)
    made.write("Snakefile", WORKFLOW)
    made.write("data/reads.fastq", FASTQ)
    made.write("envs/sequali.yaml", (stand_ins.REPOSITORY / "envs/sequali.yaml").read_text())
    made.environment = {
        "STAND_IN_CHANNELS": small.channels.as_uri(), "KIMED_ENVVARS": "STAND_IN_CHANNELS,SSL_CERT_FILE",
        # py-rattler starts only where it finds certificates; the enclosure has none.
        "SSL_CERT_FILE": certifi.where(),
        "PATH": f"{small.conda}/bin:{os.environ['PATH']}",
        "KIMED_SOFTWARE_PATHS": f"{small.conda}:{small.channels}",
    }  # fmt: skip
    return made


@pytest.fixture(scope="module")
def pinned(small, tmp_path_factory) -> str:
    """Text of the pin file of envs/sequali.yaml, made as on a connected machine."""
    folder = tmp_path_factory.mktemp("connected")
    shutil.copy(stand_ins.REPOSITORY / "envs/sequali.yaml", folder)
    spe = (sys.executable, "-m", "kimed_spe.cli", "env")
    for arguments in (("solve",), ("render", "--channel", small.channels.as_uri())):
        done = small.run(*spe, *arguments, "sequali.yaml", folder=folder)
        assert done.returncode == 0, done.stdout
    return (folder / "sequali.linux-64.pin.txt").read_text()


PIN = "envs/sequali.linux-64.pin.txt"


def create(project: runs.Project, small: Site) -> subprocess.CompletedProcess[str]:
    return small.run(sys.executable, "-m", "kimed_spe.cli", "env", "create", folder=project.root)


def test_env_file_is_pinned_installed_and_used_in_a_governed_run(project, small, pinned):
    assert "bioconda/linux-64/sequali-1.0.2-stand_in_0.conda#" in pinned
    project.write(PIN, pinned)
    made = create(project, small)
    assert made.returncode == 0, made.stdout
    done = project.run("--sdm", "conda")
    assert done.returncode == 0, done.stdout
    report = json.loads((project.root / "results/quality.json").read_text())
    assert report["summary"]["total_reads"] == 50
    used = Path((project.root / "logs/quality.log").read_text().splitlines()[0])
    assert used.is_relative_to(project.root / ".snakemake/conda"), "not the environment that runs the tests"
    (entry,) = project.entries("job")
    assert entry["content"]["software"].startswith("conda:")


def altered_digest(pin: str) -> str:
    lines = pin.splitlines()
    return "\n".join([*lines[:-1], lines[-1][:-1] + ("0" if lines[-1][-1] != "0" else "1")]) + "\n"


BROKEN = {
    "altered digest": (altered_digest, "ChecksumMismatchError"),
    "missing package": (lambda pin: pin.replace("/sequali-1.0.2-", "/sequali-1.0.3-"), "CondaHTTPError"),
    # Port 9 (discard) of this machine: nothing listens there.
    "unreachable channel": (lambda pin: pin.replace("file://", "http://127.0.0.1:9"), "CondaHTTPError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_pin_file_that_fails_is_an_error(project, small, pinned, name):
    damage, told = BROKEN[name]
    project.write(PIN, damage(pinned))
    made = create(project, small)
    assert made.returncode == 1, made.stdout
    assert told in made.stdout and "envs/sequali.linux-64.pin.txt says" in made.stdout
    assert "Traceback" not in made.stdout
    left = [path.name for path in (project.root / ".snakemake/conda").iterdir() if path.is_dir()]
    assert left == [], "the environment that was solved instead is gone"


def test_environment_that_snakemake_solved_instead_runs_nothing(project, small, pinned):
    project.write(PIN, altered_digest(pinned))
    command = ("snakemake", "-c1", "--sdm", "conda", "--conda-create-envs-only")
    plain = small.run(sys.executable, "-m", *command, folder=project.root)
    assert plain.returncode == 0 and "Failed to install conda environment from pin file" in plain.stdout
    done = project.run("--sdm", "conda")
    assert done.returncode == 1 and "Nothing runs with other software than was pinned" in done.stdout
    assert not (project.root / "results/quality.json").exists() and not project.entries("job")


def test_pins_are_demanded_inside_the_enclosure_too(project, pinned):
    project.write(PIN, altered_digest(pinned))
    done = project.run("--sdm", "conda", "--conda-create-envs-only")
    assert done.returncode == 1 and "Nothing runs with other software than was pinned" in done.stdout


def test_conda_must_be_there_and_visible(project, small):
    project.environment["KIMED_SOFTWARE_PATHS"] = ""
    hidden = small.conda / "conda-meta"
    hidden.rename(small.conda / "elsewhere")
    try:
        done = project.run("--sdm", "conda")
    finally:
        (small.conda / "elsewhere").rename(hidden)
    assert done.returncode == 1 and "KIMED_SOFTWARE_PATHS" in done.stdout, done.stdout
    project.environment["PATH"] = os.environ["PATH"]
    done = project.run("--sdm", "conda")
    assert done.returncode == 1 and "no conda on PATH" in done.stdout and "Traceback" not in done.stdout


def test_packed_environment_runs_elsewhere_without_network(small, tmp_path):
    """The air-gapped recipe of docs/environments.md: pack, carry, unpack, run."""
    env, made, carried = stand_ins.REPOSITORY / "envs/sequali.yaml", tmp_path / "made", tmp_path / "carried"
    done = small.run("conda", "env", "create", "--file", str(env), "--prefix", str(made), folder=tmp_path)
    assert done.returncode == 0, done.stdout
    done = small.run("conda-pack", "--quiet", "-p", str(made), "-o", "env.tar", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    shutil.rmtree(made)
    with tarfile.open(tmp_path / "env.tar") as archive:
        archive.extractall(carried, filter="fully_trusted")
    (tmp_path / "reads.fastq").write_text(FASTQ)
    script = f"conda-unpack && sequali --json out.json --outdir {tmp_path} {tmp_path}/reads.fastq"
    offline = [*no_network(), "env", "-i", f"PATH={carried}/bin:/usr/bin:/bin", "sh", "-c", script]
    done = small.run(*offline, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert json.loads((tmp_path / "out.json").read_text())["summary"]["total_reads"] == 50
    assert str(made) not in (carried / "bin/sequali").read_text()


@pytest.mark.slow
def test_all_python_only_env_files_hold_together(tmp_path):
    """Each unmodified file is solved and installed, and every package it pins is there and can be imported."""
    everything = site(tmp_path, *PYTHON_ONLY)
    modules = {
        "python-igraph": "igraph",
        "python-isal": "isal",
        "matplotlib-base": "matplotlib",
        "scikit-learn": "sklearn",
        "pillow": "PIL",
    }
    modules |= {"scikit-image": "skimage", "umap-learn": "umap", "pyyaml": "yaml", "pyjpegls": "jpeg_ls"}
    for name in PYTHON_ONLY:
        env, prefix = stand_ins.REPOSITORY / "envs" / f"{name}.yaml", tmp_path / name
        made = everything.run("conda", "env", "create", "--file", str(env), "--prefix", str(prefix), folder=tmp_path)
        assert made.returncode == 0, f"{name}: {made.stdout}"
        there = {path.name.rsplit("-", 2)[0]: path for path in (prefix / "conda-meta").glob("*.json")}
        assert stand_ins.pins(env).keys() <= there.keys() | {"python"}
        imported = [modules.get(pin, pin).replace("-", "_") for pin in stand_ins.pins(env) if pin != "python"]
        code = "\n".join(f"import {module}; print({module}.__file__)" for module in imported if module != "dcm2niix")
        ran = subprocess.run(
            [prefix / "bin/python", "-c", code], env={"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": str(tmp_path)},
            text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{name}: {ran.stderr[-2000:]}"
        assert all(line.startswith(str(prefix)) for line in ran.stdout.splitlines() if line.startswith("/"))
