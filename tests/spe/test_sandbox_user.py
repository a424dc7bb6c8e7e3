"""The same for an ordinary account, through a profile, as `snakemake --profile spe` starts it."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from spe import runs

USER = "nobody"
PROFILE = """
__use_yte__: true
__definitions__:
  - from kimed_spe.enclosure import enter
  - enter("Snakefile")
executor: spe
cores: 2
snakefile: Snakefile
default-resources:
  mem_mb: 500
  runtime: 5
"""
SNAKEFILE = """
import pathlib, os
found = []
for name in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory"):
    try:
        path = pathlib.Path(name)
        path.write_text(path.read_text())
        found.append(name)
    except OSError:
        pass
pathlib.Path("results").mkdir(exist_ok=True)
pathlib.Path("results/parse.txt").write_text(f"{found} {len([n for n in os.listdir('/proc') if n.isdigit()])}")

rule all:
    input: "results/shadow.txt", "results/script.txt"
rule many:
    input: expand("data/many/{n}", n=range(40))
    output: "results/many.txt"
    benchmark: "results/many.tsv"
    shell: "python -c 'import time; x = bytearray(150_000_000); time.sleep(1)'; ls data/many | wc -l > {output}"
rule shadow:
    input: "results/many.txt"
    output: "results/shadow.txt"
    shadow: "minimal"
    shell: "cat {input} > scratch; mv scratch {output}; grep -h CapEff /proc/self/status >> {output}"
rule script:
    input: "results/many.txt"
    output: "results/script.txt", "results/kernel.txt"
    script: "scripts/s.py"
"""


# /proc/pressure is for everybody to write to: it asks to be told, and changes nothing.
SCRIPT = """
import os, pathlib, shutil
opened = []
for top, folders, files in os.walk("/proc"):
    folders[:] = [name for name in folders if not name.isdigit() and name not in ("self", "thread-self", "pressure")]
    for name in files:
        try:
            os.close(os.open(os.path.join(top, name), os.O_WRONLY | os.O_NONBLOCK))
            opened.append(os.path.join(top, name))
        except OSError:
            pass
for name in ("kcore", "keys", "timer_list", "kmsg", "latency_stats", "sched_debug", "key-users"):
    try:
        if os.read(os.open(f"/proc/{name}", os.O_RDONLY | os.O_NONBLOCK), 1):
            opened.append(f"/proc/{name} is read")
    except OSError:
        pass
pathlib.Path(snakemake.output[1]).write_text(str(opened))
shutil.copyfile(snakemake.input[0], snakemake.output[0])
"""


def python_for(user: str, folder: Path) -> Path:
    """A Python that this account can start: this one, or the system's with this environment's packages."""
    if subprocess.run([sys.executable, "-c", ""], user=user, check=False, capture_output=True).returncode == 0:
        return Path(sys.executable)
    raise PermissionError(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where another account may go; pytest's own folders are closed."""
    path = Path(tempfile.mkdtemp(prefix="kimed-user-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def python(folder: Path) -> Path:
    try:
        return python_for(USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name, folder)
    except PermissionError:
        system = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
        if not system.exists():
            pytest.skip("this Python lies where no other account can start it")
    packages = folder / "venv" / "lib" / system.name / "site-packages"
    (folder / "venv" / "bin").mkdir(parents=True)
    packages.parent.mkdir(parents=True)
    packages.symlink_to(Path(pytest.__file__).parents[1])
    (folder / "venv" / "bin" / "python").symlink_to(system)
    (folder / "venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return folder / "venv" / "bin" / "python"


def test_ordinary_account_through_a_profile(folder: Path, python: Path, monkeypatch: pytest.MonkeyPatch):
    account = pwd.getpwnam(USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    monkeypatch.setattr(runs, "current_user", lambda: account.pw_name)
    project = runs.project(folder / "site")
    for number in range(41):
        project.write(f"data/many/{number}", "x\n")
    project.write("Snakefile", SNAKEFILE)
    project.write("scripts/s.py", SCRIPT)
    project.write("profile/profile.yaml", PROFILE)
    project.allow()
    for path in (folder / "site", *(folder / "site").rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, account.pw_uid, account.pw_gid)
    environment = project.variables() | {
        "HOME": str(folder), "PATH": f"{python.parent}:/usr/bin:/bin",
        "KIMED_SOFTWARE_PATHS": str(Path(sys.prefix)),
    }  # fmt: skip
    as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    run = subprocess.run(
        [str(python), "-m", "snakemake", "--profile", "profile"], cwd=project.root, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300, **as_user,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    text = {path.name: path.read_text() for path in (project.root / "results").iterdir()}
    changed, processes = text["parse.txt"].rsplit(" ", 1)
    assert changed == "[]" and int(processes) < 10
    assert text["many.txt"] == text["script.txt"] == "40\n"
    assert text["shadow.txt"] == "40\nCapEff:\t0000000000000000\n"
    assert text["kernel.txt"] == "[]", "nothing of the kernel is written, no memory, key or timer of others read"
    # `benchmark:` sees into the box.
    header, values = (line.split("\t") for line in text["many.tsv"].splitlines())
    assert float(dict(zip(header, values, strict=True))["max_rss"]) > 140
    stop = project.entries("run.stop")[0]["content"]
    assert stop["user"] == account.pw_name and stop["exit_code"] == 0
    assert {entry["content"]["rule"] for entry in project.entries("job")} == {"many", "shadow", "script"}
