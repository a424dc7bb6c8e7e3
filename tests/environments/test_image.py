"""The air-gapped recipe as an image: envs/image.def is complete, and is built and run for real where apptainer is."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import no_network
from environments import stand_ins
from environments.test_channel import FASTQ, Site, site

RECIPE = stand_ins.REPOSITORY / "envs/image.def"
SECTIONS = ("files", "post", "environment", "runscript", "test")
TOOLS = ("apptainer", "mksquashfs", "debootstrap", "apt-get")


def sections(text: str) -> dict[str, str]:
    """Header (empty name) and sections of a definition file."""
    parts = re.split(r"^%(\w+)\n", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def test_recipe_names_what_it_takes_and_nothing_of_this_site():
    text = RECIPE.read_text()
    found = sections(text)
    assert tuple(found) == ("", *SECTIONS)
    header = dict(re.findall(r"^(\w+): (.+)$", found[""], flags=re.MULTILINE))
    assert header == {"Bootstrap": "debootstrap", "OSVersion": "bookworm", "MirrorURL": "{{ mirror }}"}
    asked = set(re.findall(r"{{ (\w+) }}", text))
    assert asked == set(re.findall(r"--build-arg (\w+)=", text)) == {"mirror", "packed", "sha256"}
    assert "://" not in text


@pytest.mark.parametrize("name", ["post", "environment", "runscript", "test"])
def test_scripts_of_the_recipe_are_shell(name: str):
    script = sections(RECIPE.read_text())[name].replace("{{ sha256 }}", "0" * 64)
    assert "{{" not in script
    subprocess.run(["sh", "-n", "-c", script], check=True)


def test_packed_file_that_was_changed_on_the_way_ends_the_recipe(tmp_path: Path):
    """The first step of %post, run as apptainer runs it (`/bin/sh -e`)."""
    packed = tmp_path / "packed.tar"
    packed.write_bytes(b"packed")
    first = sections(RECIPE.read_text())["post"].strip().splitlines()[0].replace("/opt/packed.tar", str(packed))
    for digest, status in ((hashlib.sha256(b"packed").hexdigest(), 0), ("0" * 64, 1)):
        done = subprocess.run(["sh", "-ec", first.replace("{{ sha256 }}", digest)], capture_output=True, check=False)
        assert done.returncode == status


def mirror() -> str:
    """Where this machine takes its Debian packages from."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(SUITE) $(RELEASE)", "Created-By: Packages"],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    places = [line.split()[0] for line in done.stdout.splitlines() if "Debian" in line and "security" not in line]
    if not places:
        pytest.skip("apt knows no Debian mirror here")
    return places[0]


@pytest.mark.slow
def test_image_of_a_packed_environment_is_built_and_runs_without_network(tmp_path: Path):
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing or os.geteuid():
        pytest.skip(f"an image is built as root with {', '.join(TOOLS)}; missing: {', '.join(missing) or 'root'}")
    small: Site = site(tmp_path / "site", "sequali")
    env, made = stand_ins.REPOSITORY / "envs/sequali.yaml", tmp_path / "made"
    for command in (
        ("conda", "env", "create", "--file", str(env), "--prefix", str(made)),
        ("conda-pack", "--quiet", "-p", str(made), "-o", "tools.tar"),
    ):
        done = small.run(*command, folder=tmp_path)
        assert done.returncode == 0, done.stdout
    shutil.rmtree(made)
    digest = hashlib.sha256((tmp_path / "tools.tar").read_bytes()).hexdigest()

    def build(sha256: str) -> subprocess.CompletedProcess[str]:
        given = {"mirror": mirror(), "packed": str(tmp_path / "tools.tar"), "sha256": sha256}
        arguments = [part for name, value in given.items() for part in ("--build-arg", f"{name}={value}")]
        return subprocess.run(
            ["apptainer", "build", *arguments, str(tmp_path / "tools.sif"), str(RECIPE)], cwd=tmp_path, text=True,
            env={**os.environ, "APPTAINER_TMPDIR": str(tmp_path), "APPTAINER_CACHEDIR": str(tmp_path / "cache")},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=900,
        )  # fmt: skip

    done = build("0" * 64)
    assert done.returncode and not (tmp_path / "tools.sif").exists(), done.stdout[-3000:]
    assert "%post" in done.stdout
    if "permitted capability set" in done.stdout:
        pytest.skip("apptainer demands a capability for %post that root does not have on this machine")
    done = build(digest)
    assert done.returncode == 0, done.stdout[-3000:]
    (tmp_path / "tools.tar").unlink()
    work = tmp_path / "work"
    work.mkdir()
    (work / "reads.fastq").write_text(FASTQ)
    command = [
        "apptainer",
        "run",
        "--containall",
        "--bind",
        f"{work}:/work",
        "--pwd",
        "/work",
        str(tmp_path / "tools.sif"),
    ]
    tool = ["sequali", "--json", "out.json", "--outdir", "/work", "reads.fastq"]
    ran = subprocess.run([*no_network(), *command, *tool], text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads((work / "out.json").read_text())["summary"]["total_reads"] == 50
    where = subprocess.run([*command, "sh", "-c", "command -v sequali"], text=True, capture_output=True, check=False)
    assert where.stdout.strip() == "/opt/environment/bin/sequali"
