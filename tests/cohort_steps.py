"""The steps of the cohort workflow called one after the other on simulated feature tables, without Snakemake."""

import importlib.util
from pathlib import Path
from types import ModuleType

import yaml
from cohort_simulation import measured, planned
from conftest import REPOSITORY

CONFIG = yaml.safe_load((REPOSITORY / "config/cohort.yaml").read_text())
# Fewer rounds than the shipped config, to be quick; the method is the same.
DISCOVERY = {**CONFIG["discovery"], "permutations": 199, "resamples": 60}
CLINICAL = ["patient_id", "sex", "age_years", "treatment", "survival_days", "event", "response"]


def load_script(step: str) -> ModuleType:
    """scripts/<domain>/<step>.py as a module."""
    spec = importlib.util.spec_from_file_location(f"step_{step.replace('/', '_')}", REPOSITORY / f"scripts/{step}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_inputs(folder: Path, seed: int, effect_size: float, patients: int = 12) -> dict[str, Path]:
    """Clinical table, truth and the three feature tables; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = planned(seed, effect_size, patients)
    plan.to_csv(folder / "patients.tsv", sep="\t", index=False)
    plan[CLINICAL].to_csv(folder / "clinical.tsv", sep="\t", index=False)
    sources = {}
    for name, table in measured(plan, seed).items():
        sources[name] = folder / f"{name}_features.tsv"
        table.to_csv(sources[name], sep="\t", index=False)
    return sources


def join(folder: Path, sources: dict[str, Path]) -> dict[str, Path]:
    outputs = {name: folder / f"{name}.tsv" for name in ("features", "dictionary", "missing")}
    load_script("cohort/join_features").main(
        clinical=folder / "clinical.tsv", sources=sources, selection=CONFIG["features"], **outputs
    )
    return outputs


def discover(folder: Path, seed: int = 1) -> dict[str, Path]:
    outputs = {name: folder / f"{name}.tsv" for name in ("subtypes", "components", "separations", "agreement")}
    load_script("cohort/discover_subtypes").main(
        features=folder / "features.tsv", dictionary=folder / "dictionary.tsv", settings=DISCOVERY, seed=seed, **outputs
    )
    return outputs


def compare(folder: Path) -> Path:
    load_script("cohort/compare_groups").main(
        features=folder / "features.tsv", dictionary=folder / "dictionary.tsv", subtypes=folder / "subtypes.tsv",
        comparisons=folder / "comparisons.tsv", level=0.95, permutations=999, seed=1,
    )  # fmt: skip
    return folder / "comparisons.tsv"


def outcome(folder: Path) -> dict[str, Path]:
    outputs = {name: folder / f"{name}.tsv" for name in ("curves", "outcome")}
    load_script("cohort/analyse_outcome").main(
        features=folder / "features.tsv",
        subtypes=folder / "subtypes.tsv",
        level=0.95,
        permutations=999,
        seed=1,
        **outputs,
    )
    return outputs


def score(folder: Path) -> Path:
    load_script("cohort/score_cohort").main(
        subtypes=folder / "subtypes.tsv",
        truth=folder / "patients.tsv",
        scores=folder / "scores.tsv",
        permutations=999,
        seed=1,
    )
    return folder / "scores.tsv"


def plot(folder: Path) -> dict[str, Path]:
    pictures = {
        name: folder / f"{name}.png" for name in ("heat_map", "patient_map", "survival", "effects", "missingness")
    }
    tables = {
        name: folder / f"{name}.tsv"
        for name in ("features", "dictionary", "missing", "subtypes", "components", "comparisons", "curves", "outcome")
    }
    load_script("cohort/plot_cohort").main(**tables, adjust_for=["treatment"], **pictures)
    return pictures


def summarise(folder: Path, pictures: dict[str, Path], scores: list[Path]) -> Path:
    report = REPOSITORY / "workflows/cohort/report"
    names = ("features", "dictionary", "missing", "subtypes", "components", "comparisons", "outcome")
    load_script("cohort/summarise_cohort").main(
        **{name: folder / f"{name}.tsv" for name in names}, scores=scores, template=report / "summary.html.jinja",
        texts=report / "pictures.yaml", pictures=pictures, adjust_for=["treatment"], level=0.95,
        page=folder / "summary.html",
    )  # fmt: skip
    return folder / "summary.html"


def whole_study(folder: Path, seed: int, effect_size: float, patients: int = 12) -> Path:
    """All steps; returns the summary page."""
    join(folder, write_inputs(folder, seed, effect_size, patients))
    discover(folder)
    compare(folder)
    outcome(folder)
    return summarise(folder, plot(folder), [score(folder)])
