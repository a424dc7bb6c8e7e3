"""Samples that fail: how a step says so, and what is told of them when the run ends."""

import csv
import logging
from pathlib import Path

from kimedlib.problems import InputProblems, Problem

# Status of a sample that is left out, and why its intact cells are.
QUARANTINED = "quarantined"
# What a line of a log begins with.
MARK = "QUARANTINE: "


def steps_of(settings: dict[str, object]) -> list[str]:
    """The steps of a config that may put a sample in quarantine, in their order."""
    asked = {"call_droplets": "droplets" in settings, "remove_ambient": "ambient" in settings, "qc_cells": True}
    return [step for step, wanted in asked.items() if wanted]


def quarantine(problem: Problem, on_failure: str) -> None:
    """Say in the log that a sample fails; its step goes on and hands on no cells.

    Raises
    ------
    InputProblems
        `on_failure` (of the config's `quality`) is stop.
    """
    if on_failure == "stop":
        raise InputProblems([problem])
    logging.error("%s%s", MARK, problem)


def listed(summary: Path) -> dict[str, str]:
    """Problem of each sample that samples.tsv says is in quarantine; empty where there is no such table."""
    if not summary.is_file():
        return {}
    with summary.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    return {row["sample"]: row["problem"] for row in rows if row["status"] == QUARANTINED}


def logged(logs: Path, samples: list[str], steps: list[str]) -> dict[str, str]:
    """The same from the logs of the steps, for a run that did not come as far as the table; the first step counts."""
    found = {}
    for sample in samples:
        for step in steps:
            path = logs / step / f"{sample}.log"
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if MARK in text:
                said = text.partition(MARK)[2].partition("\n")[0]
                found[sample] = said.partition(f"sample {sample}: ")[2] or said
                break
    return found


def farewell(results: str, logs: str, samples: list[str], steps: list[str], *, finished: bool) -> str:
    """What the terminal says of samples in quarantine when the run ends: which, why, where more is told; or nothing.

    Parameters
    ----------
    results, logs
        Folders of the workflow.
    steps
        Of `steps_of`.
    finished
        Whether all jobs were done.
    """
    failed = listed(Path(results) / "samples.tsv") if finished else logged(Path(logs), samples, steps)
    if not failed:
        return ""
    lines = [f"{MARK}{len(failed)} of {len(samples)} samples left out of the single-cell results:"]
    lines += [f"    {sample}: {problem}" for sample, problem in failed.items()]
    places = [f"{results}/samples.tsv", f"{results}/figures/samples/<sample>.png"] if finished else []
    places += [f"{logs}/{step}/<sample>.log" for step in steps]
    return "\n".join([*lines, f"    read more in {', '.join(places)}"])
