"""Score a workflow on real data with published truth: `make bench WORKFLOW=genomics KIMED_DATA=dir`.

Reads `<data>/<workflow>/manifest.yaml`, runs its cases through the real workflow (Snakemake, no
shortcut) and writes one flat JSON of `"<case>.<metric>": number` plus `"_meta"`. What a case is
follows from its `kind` and fields alone; another manifest of the same form works unchanged.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
# Kinds left out of this call, with the reason; tests put the long ones here.
SKIPPED_KINDS: dict[str, str] = {}
REPORTED_PACKAGES = (
    "snakemake",
    "pysam",
    "scanpy",
    "anndata",
    "monai",
    "torch",
    "pydicom",
    "nibabel",
    "python-crfsuite",
)


@dataclass(frozen=True)
class Run:
    """One Snakemake run that serves one or more cases.

    Attributes
    ----------
    workflow
        Name below workflows/.
    config
        YAML config written by the adapter; outputs go below the folder that `bench` chooses.
    targets
        Target rules or files; empty for the workflow's default.
    metrics
        Called with the output root (holding `<workflow>/...`) after the run; returns
        `{"<case>.<metric>": value}`.
    """

    workflow: str
    config: Path
    targets: list[str]
    metrics: Callable[[Path], dict[str, float]]


def adapter(workflow: str) -> ModuleType:
    """The module that turns a manifest of this workflow into runs.

    Raises
    ------
    SystemExit
        The workflow has no benchmark.
    """
    path = Path(__file__).with_name(f"{workflow}_cases.py")
    if not path.is_file():
        known = sorted(found.name.removesuffix("_cases.py") for found in path.parent.glob("*_cases.py"))
        raise SystemExit(f"no benchmark for workflow '{workflow}'; there are: {', '.join(known)}")
    name = f"benchmark_{workflow}_cases"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def run_workflow(run: Run, root: Path, cores: int) -> None:
    """Run Snakemake with its outputs below `root`; what it prints goes to `<root>/snakemake.log`.

    Raises
    ------
    SystemExit
        Snakemake failed; names the log and shows its end.
    """
    root.mkdir(parents=True, exist_ok=True)
    output_root = root / "pathvars.yaml"
    output_root.write_text(yaml.safe_dump({"pathvars": {"root": str(root)}}), encoding="utf-8")
    log = root / "snakemake.log"
    command = [
        sys.executable, "-m", "snakemake", "--profile", "profiles/local",
        "-s", str(REPOSITORY / "workflows" / run.workflow / "Snakefile"),
        *run.targets, "--cores", str(cores), "--configfile", str(run.config), str(output_root),
        "--replace-workflow-config", "--nocolor", "--show-failed-logs", "--rerun-incomplete", "--nolock",
    ]  # fmt: skip
    with log.open("w", encoding="utf-8") as handle:
        done = subprocess.run(command, cwd=REPOSITORY, stdout=handle, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        end = "\n".join(log.read_text(encoding="utf-8").splitlines()[-40:])
        raise SystemExit(f"{end}\nbench: the workflow '{run.workflow}' failed, whole log: {log}")


def commit() -> str:
    """The commit that is measured, marked if the tree has uncommitted changes."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=REPOSITORY, text=True, capture_output=True, check=False,
    )  # fmt: skip
    return described.stdout.strip() or "unknown"


def bench(workflow: str, data: Path, work: Path, cores: int) -> dict[str, object]:
    """All metrics of a workflow's manifest, with `_meta`.

    Raises
    ------
    SystemExit
        No manifest, or no case of it could be measured.
    """
    manifest_path = data / workflow / "manifest.yaml"
    if not manifest_path.is_file():
        raise SystemExit(f"{manifest_path} is missing: KIMED_DATA must name the folder that docs/data.md describes")
    manifest = yaml.safe_load(manifest_path.read_text(encoding="utf-8"))
    cases = adapter(workflow)
    reasons: dict[str, str] = {**getattr(cases, "UNSUPPORTED", {}), **SKIPPED_KINDS}
    unsupported = {case["id"]: reasons[case["kind"]] for case in manifest["cases"] if case["kind"] in reasons}
    manifest["cases"] = [case for case in manifest["cases"] if case["id"] not in unsupported]
    start = time.monotonic()
    metrics: dict[str, float] = {}
    work.mkdir(parents=True, exist_ok=True)
    for number, run in enumerate(cases.prepare(manifest, data / workflow, work)):
        root = work / f"run-{number}"
        run_workflow(run, root, cores)
        metrics |= run.metrics(root)
    if not metrics:
        raise SystemExit(f"{manifest_path}: no case gave a metric; unsupported: {unsupported or 'none'}")
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    meta = {
        "commit": commit(),
        "versions": {name: version(name) for name in REPORTED_PACKAGES},
        "seconds": round(time.monotonic() - start, 1),
        "cpu_seconds": round(children.ru_utime + children.ru_stime, 1),
        "peak_mb": round(children.ru_maxrss / 1024),
        "cores": cores,
        "unsupported": unsupported,
    }
    return {**dict(sorted(metrics.items())), "_meta": meta}


def below_floors(results: dict[str, object], floors: dict[str, float]) -> list[str]:
    """Metrics that are worse than their floor, one line each.

    A floor on a name ending in `fp`, `fn`, `calls`, `wall_ratio`, `cpu_ratio`, `peak_mb`, `_pct`, `_mae`,
    `_max_error_contours`, `_false_barcodes` or `_rate` is a ceiling.
    Floors on cases that the manifest does not hold are not judged.
    """
    ceilings = (
        ".fp",
        ".fn",
        ".calls",
        ".wall_ratio",
        ".cpu_ratio",
        ".peak_mb",
        "_pct",
        "_mae",
        "_max_error_contours",
        "_false_barcodes",
        "_rate",
    )
    measured_cases = {name.split(".")[0] for name in results}
    wrong = []
    for name, floor in floors.items():
        if name.split(".")[0] not in measured_cases:
            continue
        value = results.get(name)
        if not isinstance(value, int | float):
            wrong.append(f"{name}: not measured, floor {floor}")
        elif (value > floor) if name.endswith(ceilings) else (value < floor):
            wrong.append(f"{name}: {value} is worse than {floor}")
    return wrong


def main() -> None:
    """Command line: measure, write the JSON, print it, fail below the floors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workflow")
    parser.add_argument("--data", type=Path, default=os.environ.get("KIMED_DATA"), help="folder of docs/data.md")
    parser.add_argument("--work", type=Path, help="working folder (default: results/bench/<workflow>)")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if arguments.data is None:
        raise SystemExit("set KIMED_DATA to the folder with the real data sets (docs/data.md says how to get them)")
    work = (arguments.work or REPOSITORY / "results" / "bench" / arguments.workflow).resolve()
    results = bench(arguments.workflow, arguments.data.resolve(), work, arguments.cores)
    target = REPOSITORY / "results" / "bench" / f"{arguments.workflow}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))
    floors = yaml.safe_load(Path(__file__).with_name("floors.yaml").read_text(encoding="utf-8")) or {}
    wrong = below_floors(results, floors.get(arguments.workflow, {}))
    print(f"written: {target.relative_to(REPOSITORY)}")
    if wrong:
        raise SystemExit("below the floors of tests/benchmarks/floors.yaml:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    main()
