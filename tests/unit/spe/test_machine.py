"""The profile's choices."""

import os
import sys
from pathlib import Path

import pytest

from kimed_spe import software
from kimed_spe.machine import announce, choose


def test_host_software_is_the_default():
    machine = choose({"PATH": ""})
    assert machine.software == "host"
    assert machine.cores == len(os.sched_getaffinity(0))


def test_conda_is_taken_when_forced_and_there(tmp_path):
    conda = tmp_path / "conda"
    conda.write_text("#!/bin/sh\n")
    conda.chmod(0o755)
    machine = choose({"PATH": str(tmp_path), "KIMED_SOFTWARE": "conda", "KIMED_SOFTWARE_PATHS": str(tmp_path)})
    assert machine.software == "conda"
    assert "forced by KIMED_SOFTWARE" in machine.reasons[1]


@pytest.mark.parametrize("value", ["conda", "docker"])
def test_impossible_choice_names_the_remedy(value):
    with pytest.raises(ValueError, match="unset"):
        choose({"PATH": "", "KIMED_SOFTWARE": value})


def test_banner_is_shown_by_the_main_process_only(monkeypatch, capsys):
    machine = choose({"PATH": ""})
    monkeypatch.setattr(sys, "argv", ["snakemake", "--profile", "spe"])
    assert announce(machine) == ""
    said = capsys.readouterr().err
    assert all(reason in said for reason in machine.reasons)
    monkeypatch.setattr(sys, "argv", ["snakemake", "--mode", "subprocess", "--target-jobs", "a:"])
    announce(machine)
    assert capsys.readouterr().err == ""


def said(environment: dict[str, str]) -> str:
    return "\n".join(choose({"PATH": "", **environment}).reasons)


def test_without_a_permit_it_is_the_demonstration(monkeypatch, tmp_path):
    monkeypatch.setattr("kimed_spe.site.FILE", tmp_path / "spe.json")
    assert "test_data/ only" in said({}) and "bubblewrap" in said({})
    assert "test_data/ only" not in said({"KIMED_PERMIT": "permit.json"})


def test_a_run_without_sandbox_is_announced():
    assert "NONE" in said({"KIMED_SANDBOX": "none"})


def test_tools_of_the_environment_are_found_without_activating_it():
    path = software.search_path([Path(sys.prefix)], {"PATH": "/usr/bin:/home/somebody/bin"})
    assert path.split(":")[0] == f"{sys.prefix}/bin"
    assert "/home/somebody/bin" not in path
    assert software.search_path([Path(sys.prefix)], {"PATH": path}) == path
