"""Fixtures for all kinds of tests."""

import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]

# A suite that a shell started in the background ignores Ctrl-C, and so would the runs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# First: pytest-xdist reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares costly fixtures, when several processes test (`make test`); the longest come first.

    One group per file, so that fixtures of a module are made once; one for all that judge the run of the cohort.
    """
    for item in items:
        shared = item.path.as_posix()
        if item.get_closest_marker("real_data"):
            shared = item.nodeid
        elif "cohort_run" in getattr(item, "fixturenames", ()):
            shared = "cohort_run"
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(shared))
    items.sort(key=order_of_groups)


def order_of_groups(item: pytest.Item) -> int:
    """Order of groups: cases on real data, the cohort, other whole workflows, the rest."""
    if item.get_closest_marker("real_data"):
        return 0
    if "cohort_run" in getattr(item, "fixturenames", ()):
        return 1
    return 2 if item.path.parent.name == "workflows" else 3


def run_snakemake(
    workflow: str,
    root: Path,
    *arguments: str,
    config: dict | None = None,
    check: bool = True,
    cores: int = 2,
    offline: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run workflows/<workflow>/Snakefile as a user would, with all outputs below `root`.

    `config` is merged over the shipped one by Snakemake; stdout and stderr come back as one text. `offline` runs it in
    a network namespace without any interface, where the machine lets us make one.
    """
    root.mkdir(parents=True, exist_ok=True)
    overrides = root / "config.override.yaml"
    overrides.write_text(yaml.safe_dump({**(config or {}), "pathvars": {"root": str(root)}}))
    command = [
        *(no_network() if offline else ()),
        *(sys.executable, "-m", "snakemake", "-s", f"workflows/{workflow}/Snakefile", *arguments),
        *("--cores", str(cores), "--configfile", str(overrides)),
        # Each run has outputs of its own; Snakemake's end removes the locks' folder under whoever is just starting.
        *("--nocolor", "--printshellcmds", "--show-failed-logs", "--nolock"),
    ]
    run = subprocess.run(
        command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )  # fmt: skip
    if check and run.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{run.stdout[-6000:]}", pytrace=False)
    return run


@functools.cache
def no_network() -> tuple[str, ...]:
    """Command prefix that takes the network away, or nothing where namespaces are not allowed."""
    prefix = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--net")
    if not shutil.which("unshare"):
        return ()
    works = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if works else ()


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def snakemake_run() -> Callable[..., subprocess.CompletedProcess[str]]:
    return run_snakemake


@pytest.fixture(scope="session")
def kimed_data() -> Path:
    """The real data sets; without them the test says so and is skipped."""
    folder = os.environ.get("KIMED_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("KIMED_DATA does not name a folder with the real data sets (docs/data.md says how to get them)")
    return Path(folder)


@pytest.fixture(scope="session")
def cohort_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output root of the whole cohort chain on test_data/: {genomics,singlecell,imaging,cohort}/...

    KIMED_COHORT_RUN may name the output root of a finished run of the same configs, to judge that instead.
    """
    finished = os.environ.get("KIMED_COHORT_RUN")
    if finished:
        return Path(finished).resolve()
    root = tmp_path_factory.mktemp("cohort_run")
    run_snakemake("cohort", root, "cohort", offline=True)
    return root


@pytest.fixture(scope="session")
def permitted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment for governed runs: a demonstration permit over the checkout as it is, and a register of its own."""
    folder = tmp_path_factory.mktemp("permit")
    permit = folder / "permit.json"
    command = [sys.executable, "-m", "kimed_spe.cli", "permit", "demo", "--output", str(permit)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return {"KIMED_PERMIT": str(permit), "KIMED_REGISTER": str(folder / "register")}
