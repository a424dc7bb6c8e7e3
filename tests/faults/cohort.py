"""The cohort study as something that faults happen to, whole or with fewer patients.

A copy of the repository's workflows with a demonstration permit of its own; all domains, letters included, and their
joining. The register lies where it does by default, in the working directory: what fills that disk fills it, too.
"""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

from faults.studies import Study
from slurm.cluster import Cluster

from kimed_compare import Status, compare
from kimed_spe import declared

REPOSITORY = Path(__file__).parents[2]
PARTS = ("workflows", "rules", "scripts", "config", "envs", "profiles", "requirements", "test_data")
WORKFLOWS = ("genomics", "singlecell", "imaging", "clinical_text", "cohort")
TARGETS = ("cohort", "clinical_text")
CLINICAL = "test_data/cohort/clinical.tsv"
LONGEST = 2400.0
MEGABYTES = 400
"""Of the file system of a study that may become full; a whole cohort takes about 80."""


def build(folder: Path, cluster: Cluster | None, patients: int | None = None, cores: str = "4") -> Study:
    """A cohort study that has not run, of the first `patients` or all.

    The first four have both treatments in both batches, the fewest with which each comparison can be made.
    """
    root = folder.resolve() / "project"
    root.mkdir()
    leave = shutil.ignore_patterns("expected", "__pycache__")
    for name in PARTS:
        shutil.copytree(REPOSITORY / name, root / name, ignore=leave)
    (root / "spe").symlink_to("profiles/spe")
    if patients:
        cut(root, patients)
    found = study(root, cluster, cores)
    command = [sys.executable, "-m", "kimed_spe.cli", "permit", "demo"]
    subprocess.run(command, cwd=root, env=found.environment, check=True, capture_output=True)
    return found


def study(root: Path, cluster: Cluster | None, cores: str = "4") -> Study:
    """The study in a folder that `build` made."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KIMED_")}
    environment = kept | {"KIMED_EXECUTOR": "local", "PYTHONHASHSEED": "0"}
    if cluster:
        environment |= cluster.environment | {"KIMED_EXECUTOR": "slurm"}
    program = [sys.executable, "-m", "snakemake", "--profile", "spe", "--cores", cores, "--nocolor"]
    register = root / ".spe" / "register"
    return Study(root, register, program, TARGETS, environment, cluster, differences, results, LONGEST)


def cut(root: Path, patients: int) -> None:
    """Keep the first patients in all sheets; what trains a model is of nobody in the cohort and stays."""
    with (root / CLINICAL).open(newline="") as file:
        everyone = [row["patient_id"] for row in csv.DictReader(file, delimiter="\t")]
    dropped = set(everyone[patients:])
    for path in (root / CLINICAL, *(root / "config").glob("*.samples.tsv")):
        lines = path.read_text().splitlines(keepends=True)
        column = lines[0].rstrip("\n").split("\t").index("patient_id")
        path.write_text("".join(line for line in lines if line.rstrip("\n").split("\t")[column] not in dropped))


def outputs(root: Path) -> dict[str, declared.DeclaredOutput]:
    """Declared results that are there, by their path relative to the working directory."""
    found: dict[str, declared.DeclaredOutput] = {}
    for workflow in WORKFLOWS:
        for item in declared.load(root / "workflows" / workflow / "outputs.yaml"):
            for path in item.files(root / "results"):
                found.setdefault(str(path.relative_to(root)), item)
    return found


def results(truth: Study) -> list[str]:
    return sorted(outputs(truth.root))


def verdicts(truth: Study, study: Study) -> dict[str, Status]:
    """Of every declared result of either study, by the comparator and the tolerance that are declared for it."""
    declared_here = outputs(study.root) | outputs(truth.root)
    return {
        name: compare(item.comparator, truth.root / name, study.root / name, item.tolerance).status
        for name, item in sorted(declared_here.items())
    }


def differences(truth: Study, study: Study) -> list[str]:
    found = verdicts(truth, study)
    kinds = {name.split("/")[1] for name in found}
    wrong = [f"no results of {name}" for name in WORKFLOWS if name not in kinds]
    good = (Status.IDENTICAL, Status.WITHIN)
    return wrong + [f"{name}: {status}" for name, status in found.items() if status not in good]
