"""Ways around signature, permit and record that the command line and the environment offer; each works without us."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from spe import runs

from kimed_spe import broker, call, enclosure, site, software

SNAKEFILE = """
configfile: "config.yaml"
rule all:
    input: "results/config.txt"
rule config:
    output: "results/config.txt"
    params: text=config["text"]
    shell: "echo {params.text} > {output}"
rule tool:
    input: "data/x.txt"
    output: "results/tool-{name}.txt"
    script: "scripts/{wildcards.name}.py"
rule signed:
    input: "data/x.txt"
    output: "results/signed.txt"
    wrapper: f"file:{workflow.basedir}/scripts/copy"
rule wrapped:
    input: "data/x.txt"
    output: "results/wrapped.txt"
    wrapper: "bio/copy"
"""
EVIL = "open(snakemake.output[0], 'w').write('unsigned code saw ' + open(snakemake.input[0]).read())\n"
LOOK = "import os; open(snakemake.output[0], 'w').write(' '.join(n for n in os.listdir('/proc') if n.isdigit()))\n"
HONEST = "open(snakemake.output[0], 'w').write('honest')\n"
# arguments, the result that would be made, what the refusal names
ATTACKS = {
    "another config file": (["--configfile", "other.yaml"], "results/config.txt", "workflow.overrides"),
    "a hidden script": (["results/tool-.evil.txt"], "results/tool-.evil.txt", "workflow.sources"),
    "another wrapper": (["results/wrapped.txt", "--wrapper-prefix", "file:PWD/"], "results/wrapped.txt", "workflow.so"),
}


def lay_out(folder: Path) -> runs.Project:
    """A signed workflow, and beside it code and configuration that nobody signed."""
    project = runs.project(folder)
    for name, text in {
        "Snakefile": SNAKEFILE, "config.yaml": "text: honest\n", "scripts/good.py": HONEST, "data/x.txt": "patient",
        "scripts/.evil.py": EVIL, "other.yaml": "text: unsigned\n", "bio/copy/wrapper.py": EVIL,
        "bio/copy/environment.yaml": "dependencies: []\n", "scripts/copy/wrapper.py": LOOK,
        "scripts/copy/environment.yaml": "dependencies: []\n",
    }.items():  # fmt: skip
        project.write(name, text)
    project.sources = ("Snakefile", "config.yaml", "scripts")
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> runs.Project:
    return lay_out(tmp_path_factory.mktemp("bypass"))


def test_honest_use_is_allowed(project: runs.Project):
    targets = ("results/config.txt", "results/tool-good.txt", "results/signed.txt")
    run = project.run(*targets, "--configfile", "config.yaml")
    assert run.returncode == 0, run.stdout
    assert len((project.root / "results/signed.txt").read_text().split()) < 8, "a wrapper runs in a box"
    assert (project.root / "results/config.txt").read_text() == "honest\n"


@pytest.mark.parametrize("name", ATTACKS)
def test_unsigned_code_and_configuration_is_refused(tmp_path: Path, name: str):
    arguments, made, field = ATTACKS[name]
    project = lay_out(tmp_path)
    run = project.run("--scheduler", "greedy", *(word.replace("PWD", str(project.root)) for word in arguments))
    assert run.returncode != 0 and field in run.stdout, run.stdout
    assert not (project.root / made).exists() and project.entries("permit.refused")


def test_unsigned_code_and_configuration_run_without_the_defence(tmp_path: Path):
    project = lay_out(tmp_path)
    # One run for all; targets first, since the option for config files takes several words.
    targets = [made for _, made, _ in ATTACKS.values()]
    words = [word.replace("PWD", str(project.root)) for given, _, _ in ATTACKS.values() for word in given]
    options = [word for word in words if word not in targets]
    run = project.run(*targets, "--scheduler", "greedy", *options, sandboxed=False)
    assert run.returncode == 0, run.stdout
    assert all("unsigned" in (project.root / made).read_text() for made in targets)


@pytest.fixture
def agreeable(tmp_path: Path) -> Iterator[Path]:
    """A supervisor that agrees to everything."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, connection.makefile("rwb") as stream:
                    stream.readline()
                    stream.write(b'{"done": true}\n')

        threading.Thread(target=serve, daemon=True).start()
        yield path


def test_a_supervisor_of_ones_own(tmp_path: Path, agreeable: Path, monkeypatch: pytest.MonkeyPatch):
    broker.SocketLink(str(agreeable)).check({})  # it would agree
    monkeypatch.setenv(broker.ADDRESS, str(agreeable))
    assert not enclosure.enclosed() and broker.connect() is None
    monkeypatch.setenv(broker.ADDRESS, str(broker.SOCKET))
    assert broker.connect() is None, "the right name, but nothing there"
    project = runs.project(tmp_path)
    project.write("Snakefile", "rule x:\n    output: 'results/x'\n    shell: 'touch {output}'\n")
    environment = {**project.variables(), broker.ADDRESS: str(agreeable)}
    environment["PYTHONPATH"] = str(Path(broker.__file__).parents[1])
    command = [sys.executable, "-m", "snakemake", "--executor", "spe", "--cores", "1"]
    run = subprocess.run(command, cwd=project.root, env=environment, text=True, capture_output=True, check=False)
    assert run.returncode != 0 and "enclosure" in run.stderr + run.stdout
    assert not (project.root / "results/x").exists()


@pytest.mark.parametrize("option", ["--archive=a.tar.gz", "--generate-unit-tests", "--touch"])
def test_options_that_copy_data_or_forge_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text("")
    with pytest.raises(call.EnclosureError, match=option[:5]):
        call.read_call([option], None)


def test_a_working_directory_by_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    (tmp_path / "real/Snakefile").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(call.EnclosureError, match=f"--directory {tmp_path / 'real'}"):
        call.read_call(["-s", "real/Snakefile", "--directory", "alias"], None)
    call.read_call(["-s", "real/Snakefile", "--directory", "real"], None)


def test_only_profiles_and_own_config_files_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("work/Snakefile", "work/c.yaml", "other/patients.tsv", "profiles/mine/profile.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path / "work")
    arguments = ["--configfile", "c.yaml", "../other/patients.tsv", "--config", f"x={tmp_path / 'other'}"]
    arguments += ["--profile=../profiles/mine", "--set-threads", f"a={tmp_path}", "--", "target"]
    seen = call.read_call(arguments, None)
    assert set(seen.named) == {tmp_path / "work/c.yaml", tmp_path / "profiles/mine"}
    end = list(seen.arguments).index("--")
    assert list(seen.arguments[end - 2 :]) == [
        "--profile",
        str(tmp_path / "profiles/mine/profile.yaml"),
        "--",
        "target",
    ]
    assert not [word for word in seen.arguments if word == "--profile=../profiles/mine"]


@pytest.mark.parametrize("name", ["LD_PRELOAD", "BASH_ENV", "PYTHONSTARTUP", "PERL5OPT", "R_PROFILE", "KIMED_TRUST"])
def test_variables_that_programs_obey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    (tmp_path / "Snakefile").write_text("")
    monkeypatch.chdir(tmp_path)
    for key, value in runs.project(tmp_path / "p").variables().items():
        monkeypatch.setenv(key, value)
    supervisor = enclosure.Supervisor(call.read_call([], None))
    groups = enclosure.Groups.adopt('{"kind": "rlimit", "folders": {}}')
    monkeypatch.setenv("KIMED_ENVVARS", "STUDY_YEAR")
    monkeypatch.setenv("STUDY_YEAR", "2026")
    monkeypatch.setenv("LD_PRELOAD_", "")
    assert supervisor._environment(groups)["STUDY_YEAR"] == "2026"
    monkeypatch.setenv("KIMED_ENVVARS", f"STUDY_YEAR,{name}")
    with pytest.raises(call.EnclosureError, match=name):
        supervisor._environment(groups)


def test_a_folder_of_data_is_no_conda_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data, conda = tmp_path / "other_project", tmp_path / "conda"
    data.mkdir()
    (conda / "conda-meta").mkdir(parents=True)
    monkeypatch.setattr(site, "FILE", tmp_path / "spe.json")
    monkeypatch.setattr(site, "OWNER", tmp_path.stat().st_uid)
    assert data not in software.folders({"PATH": "", "CONDA_PREFIX": str(data)})
    assert conda in software.folders({"PATH": "", "CONDA_PREFIX": str(conda)})
    (tmp_path / "spe.json").write_text("{}")
    assert conda not in software.folders({"PATH": "", "CONDA_PREFIX": str(conda)}), "the site names no such folder"
    (tmp_path / "spe.json").write_text(f'{{"software_paths": "{tmp_path / "conda"}"}}')
    assert conda in software.folders({"PATH": "", "CONDA_PREFIX": str(conda)})


@pytest.mark.parametrize("sandboxed", [True, False], ids=["defended", "undefended"])
def test_snakefile_that_sets_the_sandbox_off_for_itself(tmp_path: Path, sandboxed: bool):
    """The variable counts for who starts the run; Python of a Snakefile is inside already."""
    project = runs.project(tmp_path)
    project.write("undeclared.txt", "secret")
    rule = "rule x:\n    output: 'results/x'\n    shell: 'cat undeclared.txt > {output}'\n"
    project.write("Snakefile", f"import os\nos.environ['{enclosure.SANDBOX}'] = 'none'\n{rule}")
    project.sources = ("Snakefile",)
    run = project.run(sandboxed=sandboxed)
    assert (run.returncode != 0) == sandboxed, run.stdout
    assert (project.root / "results/x").exists() != sandboxed
    if sandboxed:
        assert project.entries("job")[0]["content"]["sandbox"] != "none"
