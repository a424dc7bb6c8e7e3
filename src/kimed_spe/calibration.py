"""Earn tolerances: run a workflow again with other numbers of threads and in the other software mode, and measure.

Runs are compared with each other, not with published results: what is measured is how far results lie apart when
nothing differs that should matter.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import kimed_compare
from kimed_compare.verdict import Status
from kimed_spe import outputs, reproduce, spread, workspace
from kimed_spe.certificate import number
from kimed_spe.declared import PREFIX, DeclaredOutput
from kimed_spe.reproduce import Reproduction
from kimed_spe.workspace import Manner, WorkspaceError


@dataclass(frozen=True)
class Way:
    """One way to run: processors and software mode."""

    cores: int
    software: str


def ways(first: Way, count: int, *, conda: bool) -> list[Way]:
    """Ways to run that differ from the first and from each other: the other software mode, then thread counts."""
    cores = [number for number in (1, 2, 4, 3, 8, 6, 5, 7) if number != first.cores]
    found = []
    if conda or first.software == "conda":
        found.append(Way(first.cores, "host" if first.software == "conda" else "conda"))
    found += [Way(number, first.software) for number in cores]
    return found[:count]


def calibrate(done: Reproduction, manner: Manner, count: int) -> list[str]:
    """Run `count` more times, measure, and write spread.json of the workflow and of those that it includes.

    Returns
    -------
    list[str]
        What was measured, in words.

    Raises
    ------
    WorkspaceError
        A run failed: then nothing is written.
    ValueError
        `count` is not positive, or the published run of a crate was reproduced, which has no folder for it.
    """
    task = done.task
    if count < 1:
        raise ValueError("--calibrate takes the number of further runs, at least 1")
    if task.reference.kind != "expected":
        raise ValueError("--calibrate is for workflows of this checkout, not for crates")
    if not done.run.complete:
        raise WorkspaceError("the first run did not finish; there is nothing to measure the spread of")
    planned = ways(Way(done.run.cores, done.run.software), count, conda=shutil.which("conda") is not None)
    runs = [done]
    for place, way in enumerate(planned):
        base = done.workspace.base / f"calibration-{place}"
        # Crates and expected results are no matter here.
        again = reproduce.carry_out(task, replace(manner, cores=way.cores, software=way.software), base)
        if not again.run.complete:
            said = workspace.tail(again.workspace, 80)
            raise WorkspaceError(
                f"the run with {way.cores} core(s), {way.software} failed; the end of its log:\n{said}"
            )
        runs.append(again)
    return _publish(runs)


def _publish(runs: Sequence[Reproduction]) -> list[str]:
    task, lines = runs[0].task, []
    observed = {item.path: found for item in task.reference.declared if (found := measure(item, runs))}
    modes = {run.run.software for run in runs}
    missing = [] if len(modes) == 2 else [f"{'conda' if modes == {'host'} else 'host'} mode: not available here"]
    for name in (task.reference.workflow, *task.reference.includes):
        folder = task.root / "workflows" / name
        own = {path: item for path, item in observed.items() if path.startswith(f"{PREFIX}{name}/")}
        content: dict[str, Any] = {
            "type": spread.TYPE, "workflow": name,
            "source_tree": runs[0].workspace.permit.content["workflow"]["digest"],
            "runs": [{"cores": run.run.cores, "software": run.run.software} for run in runs], "not_run": missing,
            "outputs": {
                path: {"bit_identical": item.bit_identical, "files": item.files, "spread": dict(item.spread)}
                for path, item in sorted(own.items())
            },
        }  # fmt: skip
        if own:
            lines.append(f"{spread.write(folder, content)}: {len(own)} outputs over {len(runs)} runs")
    alike = sum(item.bit_identical for item in observed.values())
    lines.append(f"{alike} of {len(observed)} outputs have the same bytes in all runs")
    return [*lines, *missing, *spread.unearned(task.reference.declared, observed)]


def measure(item: DeclaredOutput, runs: Sequence[Reproduction]) -> spread.Observed | None:
    """Largest distances of a declared output between the first run and each other, or nothing if no run made it.

    Raises
    ------
    WorkspaceError
        A run made other files than the first, or a comparator cannot read them: no number stands for that.
    """
    results = [run.workspace.results for run in runs]
    names = [[path.relative_to(root).as_posix() for path in item.files(root)] for root in results]
    if any(other != names[0] for other in names):
        raise WorkspaceError(f"{item.path}: runs made different files")
    if not names[0]:
        return None
    largest: dict[str, float] = {}
    same = True
    for first, other in _pairs(results, names[0]):
        if outputs.digest(first).sha256 == outputs.digest(other).sha256:
            continue
        same = False
        verdict = kimed_compare.compare(item.comparator, first, other, item.tolerance)
        if verdict.status in (Status.NOT_COMPARABLE, Status.MISSING):
            raise WorkspaceError(f"{item.path}: {verdict.status.value}")
        for name, value in verdict.distance.items():
            largest[name] = max(largest.get(name, 0.0), value)
    return spread.Observed(same, len(names[0]), {name: number(value) for name, value in sorted(largest.items())})


def _pairs(results: Sequence[Path], names: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    for root in results[1:]:
        for name in names:
            yield results[0] / name, root / name
