"""What would execute outside of jobs: refused, or held by the enclosure; and how runs are bound to the permit."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from spe import runs

from kimed_spe import preflight

ATTACKS = """
import os, socket, subprocess, pathlib
found = {}
def attempt(name, function):
    try:
        found[name] = repr(function())
    except BaseException as error:
        found[name] = "closed " + repr(error)
attempt("network", lambda: socket.create_connection(("127.0.0.1", PORT), timeout=1))
attempt("abstract", lambda: [socket.socket(socket.AF_UNIX).connect("\\0ABSTRACT")])
attempt("other project", lambda: pathlib.Path("OTHER").read_text())
attempt("home", lambda: list(pathlib.Path.home().glob("HOMEFILE"))[0])
attempt("write outside", lambda: pathlib.Path("OTHER.new").write_text("x"))
attempt("write workflow", lambda: open("Snakefile", "a").write("# tampered"))
attempt("write data", lambda: open("data/x.txt", "a").write("tampered"))
attempt("read register", lambda: open("REGISTER").read())
attempt("write register", lambda: open("REGISTER", "a").write("{}"))
attempt("write permit", lambda: open("PERMIT", "a").write(" "))
attempt("read key", lambda: open("KEY").read())
attempt("process", lambda: pathlib.Path("/proc/PID/cmdline").read_text()[0])
attempt("environment", lambda: os.environ["PLANTED_SECRET"])
attempt("tool", lambda: subprocess.check_output(["cat", "OTHER"]))
pathlib.Path("results").mkdir(exist_ok=True)
pathlib.Path("results/found.json").write_text(__import__("json").dumps(found))
rule all:
    input: "data/x.txt"
    output: "results/a.txt"
    shell: "touch {output}"
"""
# Open in a plain run, and the names of what must be closed in the enclosure.
ATTEMPTS = (
    "network", "abstract", "other project", "home", "write outside", "write workflow", "write data", "read register",
    "write register", "write permit", "read key", "process", "environment", "tool",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What Python of a Snakefile reached while it was parsed."""
    from spe.test_sandbox_escapes import serve

    base = tmp_path_factory.mktemp("parse")
    tcp = serve(2, 1, ("127.0.0.1", 0), b"x")
    # Names of this process: tests run side by side.
    name = f"kimed-parse-{os.getpid()}"
    abstract = serve(1, 1, f"\0{name}", b"x")
    sleeper = subprocess.Popen(["sleep", "300"])
    planted = Path.home() / f".kimed-planted-{os.getpid()}"
    planted.write_text("x")
    result = {}
    try:
        for way in ("plain", "boxed"):
            project = runs.project(base / way)
            (base / f"{way}-other").write_text("patient 4711")
            project.environment = {"PLANTED_SECRET": "hunter2"}
            project.register.mkdir()
            if way == "plain":
                (project.register / "log.jsonl").write_text("{}")
                (project.site / "permit.json").write_text("{}")
            text = ATTACKS
            for word, value in {
                "ABSTRACT": name, "HOMEFILE": planted.name, "PORT": tcp.getsockname()[1],
                "OTHER": base / f"{way}-other", "PID": sleeper.pid,
                "REGISTER": project.register / "log.jsonl", "PERMIT": project.site / "permit.json",
                "KEY": project.site / "site/holder.pem",
            }.items():  # fmt: skip
                text = text.replace(word, str(value))
            project.write("Snakefile", text)
            project.write("data/x.txt", "x")
            run = project.run(sandboxed=way == "boxed")
            assert run.returncode == 0 or way == "plain", run.stdout
            result[way] = json.loads((project.root / "results/found.json").read_text())
            # A private /tmp takes any file; it counts if the file is there outside.
            if not (base / f"{way}-other.new").exists():
                result[way]["write outside"] = "closed"
            result[way]["tampered"] = str("# tampered" in (project.root / "Snakefile").read_text()[len(text) :])
    finally:
        tcp.close()
        abstract.close()
        sleeper.kill()
        sleeper.wait()
        planted.unlink()
        shutil.rmtree(base, ignore_errors=True)
    return result


@pytest.mark.parametrize("name", ATTEMPTS)
def test_python_of_a_snakefile_is_enclosed(found: dict, name: str):
    assert found["boxed"][name].startswith("closed"), found["boxed"][name]
    assert not found["plain"][name].startswith("closed"), found["plain"][name]


RULES = """
rule all:
    input: "results/a", "results/b", "results/c", "results/e"
rule a:
    output: "results/a"
    run:
        open(output[0], "w").write("x")
rule b:
    input: "data/x.txt"
    output: "results/b"
    template_engine: "yte"
rule c:
    output: "results/c"
    wrapper: "v3.0.0/bio/samtools/sort"
rule d:
    output: service("results/d")
    shell: "sleep 5"
rule e:
    input: "results/d"
    output: "results/e"
    shell: "touch {output}"
"""


def test_refused_before_any_job(tmp_path: Path):
    project = runs.project(tmp_path)
    project.write("data/x.txt", "x: 1\n")
    project.write("Snakefile", RULES)
    run = project.run()
    assert run.returncode != 0
    for name, reason in {"a": "`run:`", "b": "`template_engine:`", "c": "wrapper", "d": "service()"}.items():
        assert f"rule {name}: {reason}" in run.stdout, run.stdout
    assert project.entries("refusal") and not project.entries("job")
    assert not list((project.root / "results").glob("*"))


def test_outputs_have_their_place(tmp_path: Path):
    project = runs.project(tmp_path)
    places = ("../escaped", ".snakemake/planted", ".spe/planted", str(tmp_path / "absolute"))
    text = "rule all:\n    input: " + ", ".join(map(repr, places)) + "\n"
    for number, place in enumerate(places):
        text += f"rule r{number}:\n    output: {place!r}\n    shell: 'touch {{output}}'\n"
    project.write("Snakefile", text)
    run = project.run("--keep-going")
    assert run.returncode != 0
    assert not [place for place in places if (project.root / place).exists()]
    assert project.entries("refusal") or project.entries("permit.refused")
    project.run("--keep-going", sandboxed=False)
    assert all((project.root / place).exists() for place in places)


@pytest.mark.parametrize("name", ["https://example.com/x.py", "git+https://example.com/a/b", "ftp://example.com/x"])
def test_remote_sources_are_told_apart(name: str):
    rule = SimpleNamespace(
        name="x", is_run=False, norun=False, is_template_engine=False, is_cwl=False, script=name, wrapper=None,
        notebook=None, input=(), output=(), log=(), workflow=None,
    )  # fmt: skip
    assert preflight.rule_refusals(rule)
    rule.script = "scripts/x.py"
    assert not preflight.rule_refusals(rule)


# Ways past a box that Snakemake offers; with the shell each job writes how many processes it sees.
BYPASSES = """
shell.executable("/bin/sh")
shell.prefix("true; ")

# The launcher shows a command its own temporary script; a path through it must lead nowhere else.
import pathlib
pathlib.Path(".snakemake/scripts/tmpa.x").mkdir(parents=True, exist_ok=True)
pathlib.Path(".snakemake/scripts/tmpb.py").unlink(missing_ok=True)
pathlib.Path(".snakemake/scripts/tmpb.py").symlink_to("../../private.txt")
pathlib.Path("private.txt").write_text("patient 4711")

onstart:
    shell("mkdir -p results; cat OTHER > results/onstart.txt || true")

onsuccess:
    shell("echo 1 > results/onsuccess.txt; cat OTHER >> results/onsuccess.txt || true")

rule all:
    input: expand("results/{name}.txt", name=["exec", "shadow", "prefix", "script", "through", "link"])

rule through:
    output: "results/through.txt"
    shell: "echo 1 > {output}; cat .snakemake/scripts/tmpa.x/../../../private.txt >> {output} || true"

rule link:
    output: "results/link.txt"
    shell: "echo 1 > {output}; cat .snakemake/scripts/tmpb.py >> {output} || true"

rule exec:
    output: "results/exec.txt"
    resources: shell_exec="/bin/sh"
    shell: "ls -d /proc/[0-9]* | wc -l > {output}; cat OTHER >> {output} || true"

rule prefix:
    output: "results/prefix.txt"
    shell: "ls -d /proc/[0-9]* | wc -l > {output}; cat OTHER >> {output} || true"

rule shadow:
    output: "results/shadow.txt"
    shadow: "full"
    shell: "ls -d /proc/[0-9]* | wc -l > {output}; cat OTHER >> {output} || true; touch undeclared"

rule script:
    output: "results/script.txt"
    resources: shell_exec="/bin/sh"
    script: "scripts/look.py"
"""
LOOK = """
import os, pathlib
text = str(len([name for name in os.listdir("/proc") if name.isdigit()])) + "\\n"
try:
    text += pathlib.Path("OTHER").read_text()
except OSError:
    pass
open(snakemake.output[0], "w").write(text)
"""


def test_no_way_past_the_box(tmp_path: Path):
    project = runs.project(tmp_path)
    other = tmp_path / "other"
    other.write_text("patient 4711")
    project.write("Snakefile", BYPASSES.replace("OTHER", str(other)))
    project.write("scripts/look.py", LOOK.replace("OTHER", str(other)))
    run = project.run("--keep-going")
    results = {path.name: path.read_text() for path in (project.root / "results").glob("*.txt")}
    assert not [name for name, text in results.items() if "patient" in text], results
    # Few processes are seen where there are few: in a box of one's own.
    assert all(int(text.split()[0]) < 8 for name, text in results.items() if name != "onstart.txt"), results
    assert run.returncode == 0, run.stdout
    made = {"exec", "shadow", "prefix", "script", "through", "link", "onstart", "onsuccess"}
    assert set(results) == {f"{name}.txt" for name in made}

    project.clean()
    project.run("--keep-going", sandboxed=False)
    results = {path.name: path.read_text() for path in (project.root / "results").glob("*.txt")}
    assert all("patient" in text for name, text in results.items()), results


MOVES = """
import os, pathlib
pathlib.Path("results").mkdir(exist_ok=True)
for name in (".spe", "deep", "rules"):
    try:
        os.rename(name, "moved" + name.strip("."))
    except OSError as error:
        pathlib.Path(f"results/{name}.txt").write_text(os.strerror(error.errno))
rule all:
    input: "deep/data/x.txt"
    output: "results/a"
    shell: "touch {output}"
"""


def test_register_data_and_workflow_cannot_be_moved_away(tmp_path: Path):
    for boxed in (False, True):
        project = runs.project(tmp_path / str(boxed))
        project.write("Snakefile", MOVES)
        project.write("deep/data/x.txt", "x")
        project.write("rules/one.smk", "")
        project.write(".spe/register/.keep", "")
        project.changes = {"datasets": [runs.dataset("deep/data")]}
        project.sources = ("Snakefile", "rules")
        project.environment = {"KIMED_REGISTER": str(project.root / ".spe/register")}
        run = project.run(sandboxed=boxed)
        moved = sorted(path.name for path in project.root.glob("moved*"))
        assert moved == ([] if boxed else ["moveddeep", "movedrules", "movedspe"]), run.stdout
    assert run.returncode == 0, run.stdout
    lines = (project.root / ".spe/register/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["permit.accepted", "run.start", "job", "run.stop"]


def test_executor_alone_is_refused(tmp_path: Path):
    project = runs.project(tmp_path)
    project.write("Snakefile", "rule x:\n    output: 'results/x'\n    shell: 'touch {output}'\n")
    project.allow()
    source = Path(runs.__file__).parents[2] / "src"
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "--executor", "spe", "--cores", "1"], cwd=project.root, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        env={**project.variables(), "PYTHONPATH": str(source)},
    )  # fmt: skip
    assert run.returncode != 0 and "enclosure" in run.stdout
    assert not (project.root / "results/x").exists()


def test_no_bubblewrap_no_run(tmp_path: Path):
    project = runs.project(tmp_path)
    project.write("Snakefile", "rule x:\n    output: 'results/x'\n    shell: 'touch {output}'\n")
    project.environment = {"PATH": str(Path(sys.executable).parent)}
    run = project.run()
    assert run.returncode != 0 and "bubblewrap is not installed" in run.stdout
    assert not (project.root / "results").exists()


@pytest.mark.parametrize("permitted", ["none", "bubblewrap"])
def test_run_without_sandbox_needs_the_permit(tmp_path: Path, permitted: str):
    project = runs.project(tmp_path)
    project.write("Snakefile", "rule x:\n    output: 'results/x'\n    shell: 'touch {output}'\n")
    project.changes = {"sandbox": permitted}
    project.environment = {"KIMED_SANDBOX": "none"}
    run = project.run()
    if permitted == "none":
        assert run.returncode == 0 and "NO SANDBOX" in run.stdout, run.stdout
        assert project.entries("job")[0]["content"]["sandbox"] == "none"
    else:
        assert run.returncode != 0 and "sandbox" in run.stdout
        assert project.entries("permit.refused")


def test_killed_supervisor_leaves_nothing_behind(tmp_path: Path):
    project = runs.project(tmp_path)
    marker = str(500 + os.getpid() % 100)
    project.write("Snakefile", f"rule x:\n    output: 'results/x'\n    shell: 'setsid sleep 60.{marker} & sleep 60'\n")
    project.allow()
    parent = subprocess.Popen(
        [sys.executable, "-m", "kimed_spe.enclosure", "--executor", "spe", "--cores", "1"], cwd=project.root,
        env=project.variables(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    from spe.test_sandbox_limits import wait_for

    def running() -> list[psutil.Process]:
        everyone = psutil.process_iter(["cmdline"])
        return [process for process in everyone if f"sleep 60.{marker}" in " ".join(process.info["cmdline"] or ())]

    assert wait_for(running, True, seconds=120)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert wait_for(running, False, seconds=10)


def test_command_too_long_for_one_argument_runs_in_a_box(tmp_path: Path):
    """Snakemake then names its shell, our launcher, inside the command itself."""
    project = runs.project(tmp_path)
    rule = 'rule all:\n    output: "results/x.txt"\n    shell: "cat /proc/1/comm > {output}; : ' + "x" * 70_000 + '"\n'
    project.write("Snakefile", rule)
    run = project.run()
    assert run.returncode == 0, run.stdout
    assert (project.root / "results/x.txt").read_text().strip() == "bwrap"
