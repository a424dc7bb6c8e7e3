"""Cases of a single-cell manifest as runs of the workflow.

Known kinds: `labels` (published cell types), `condition` (two conditions with an expected response), `doublets`
(known doublets), `integration` (batches of the same cell types) and `proteins` (CITE-seq: the annotation by RNA is
compared with the cells' own proteins). What a case needs follows from its fields; so does a kind of another name.
"""

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(Path(__file__).parent), str(REPOSITORY / "tests")]

from bench import Run  # noqa: E402
from singlecell_reads import LARGE, agreement, simulate  # noqa: E402

from kimedlib.singlecell_scores import doublet_truth, response_in_top  # noqa: E402

# What files call the condition without treatment; otherwise the first name in alphabetical order is the reference.
CONTROLS = ("ctrl", "control", "untreated", "unstimulated", "unstim", "healthy", "normal", "vehicle", "mock", "rest")
SHEET = ["sample", "patient_id", "condition", "batch", "counts", "labels"]
TOP = 15
# Not that of the shipped reads, nor that of the tests
SEED_OF_READS = 11
METRICS = {
    "labels": ["ari", "nmi", "annotation_accuracy"],
    "condition": ["ari", "nmi", "annotation_accuracy"],
    "doublets": ["doublet_auroc"],
    "integration": ["ari", "nmi"],
    "proteins": ["ari", "nmi"],
}
ASW = ("asw", "asw_scib", "asw_scib_ceiling")
WIDTHS = ["label_asw", *(f"{group}_{measure}" for group in ("batch", "condition") for measure in ASW)]
WIDTHS += [f"unintegrated_{name}" for name in WIDTHS if not name.endswith("ceiling")]
# Of a case with two conditions, these are what the batch silhouette is measured over: its floor was set that way
# (docs/decisions/0024-batch-silhouettes.md).
MEASURED_OVER = {"batch_asw": "sample_asw", "condition_asw": "batch_asw"}


def kind_of(case: dict[str, Any]) -> str:
    """One of `METRICS`; for other words what the case's fields allow to measure, "" if nothing."""
    if case["kind"] in METRICS:
        return str(case["kind"])
    names = case.get("obs", {})
    if "cite" in case["kind"].lower() or "protein" in case["kind"].lower():
        return "proteins"
    if "condition" in names:
        return "condition"
    if "parts" in case or "batch" in names:
        return "integration"
    if "doublet" in names:
        return "doublets"
    return "labels" if "labels" in case or "label" in names else ""


def unified(case: dict[str, Any], data: Path) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """The parts of a case, each with a table of what is known of its cells (index barcodes)."""
    parts = case.get("parts") or [{key: case[key] for key in ("counts", "labels", "metadata") if key in case}]
    result = []
    for part in parts:
        path = data / part["counts"]
        known = ad.read_h5ad(path, backed="r").obs.copy() if path.suffix == ".h5ad" else pd.DataFrame()
        if part.get("metadata"):
            # R writes no header for row names; pandas then takes the first column for the index by itself.
            known = pd.read_csv(data / part["metadata"])
            known = known if known.index.dtype == object else known.set_index(known.columns[0])
        labels = part.get("labels")
        if isinstance(labels, dict):
            table = pd.read_csv(data / labels["file"], sep=None, engine="python", dtype=str)
            known = known.reindex(known.index.union(table[labels["barcode_column"]]))
            known["label"] = table.set_index(labels["barcode_column"])[labels["label_column"]]
        known.index = known.index.astype(str)
        result.append(({**part, "path": path}, known))
    return result


def doublet_column(known: pd.DataFrame) -> str:
    """The obs column that tells doublets from singlets; "" if there is none."""
    return next((str(name) for name in known if doublet_truth(known[name]).dropna().nunique() == 2), "")


def label_table(case: dict[str, Any], sample: str, known: pd.DataFrame) -> pd.DataFrame:
    """Rows for the label file of one sample: sample, barcode, cell_type, doublet."""
    label = case.get("obs", {}).get("label", "label")
    table = pd.DataFrame({"sample": sample, "barcode": known.index})
    table["cell_type"] = known[label].astype(str).to_numpy() if label in known else ""
    column = case.get("obs", {}).get("doublet") or (doublet_column(known) if case["kind"] == "doublets" else "")
    table["doublet"] = known[column].astype(str).to_numpy() if column else ""
    return table[table["cell_type"] != "nan"]


def donors(samples: pd.DataFrame) -> pd.Series:
    """The donor of each sample: its name without the condition's, where that pairs all samples; else the sample."""
    stripped = [
        row.sample_name.replace(row.condition, "").strip("_-. ") or row.sample_name for row in samples.itertuples()
    ]
    paired = samples.assign(donor=stripped).groupby("donor")["condition"].nunique()
    return pd.Series(
        stripped if (paired == samples["condition"].nunique()).all() else samples["sample_name"], samples.index
    )


def split_by_obs(
    case: dict[str, Any], path: Path, known: pd.DataFrame, folder: Path
) -> tuple[list[dict[str, str]], list[pd.DataFrame]]:
    """One file per sample and condition of an H5AD that holds several; sheet rows and label tables."""
    names = case.get("obs", {})
    data = ad.read_h5ad(path)
    condition = data.obs[names["condition"]].astype(str) if "condition" in names else pd.Series("all", data.obs_names)
    sample = next((data.obs[names[key]].astype(str) for key in ("sample", "batch") if key in names), condition)
    groups = (
        pd.DataFrame({"sample_name": sample, "condition": condition})
        .drop_duplicates()
        .sort_values(["sample_name", "condition"])
    )
    groups["donor"] = (
        data.obs.groupby([sample, condition], observed=True)[names["donor"]].first().to_numpy()
        if "donor" in names
        else donors(groups)
    )
    rows, tables = [], []
    for number, row in enumerate(groups.itertuples()):
        name = f"s{number}"
        chosen = ((sample == row.sample_name) & (condition == row.condition)).to_numpy()
        target = folder / f"{name}.h5ad"
        data[chosen].copy().write_h5ad(target)
        batch = "".join(letter if letter.isalnum() else "_" for letter in row.sample_name)
        donor = "".join(letter if letter.isalnum() else "_" for letter in str(row.donor))
        rows.append(
            {
                "sample": name,
                "patient_id": f"d_{donor}",
                "condition": row.condition,
                "batch": batch,
                "counts": str(target),
            }
        )
        tables.append(label_table(case, name, known[chosen]))
    return rows, tables


def measured(case: dict[str, Any], root: Path) -> dict[str, float]:
    """Metrics of a case from the workflow's tables."""
    results = root / "singlecell"
    table = results / "scores.tsv"
    scores = pd.read_csv(table, sep="\t").set_index("metric")["value"].to_dict() if table.is_file() else {}
    kind = kind_of(case)
    wanted = METRICS[kind] + (WIDTHS if kind in ("condition", "integration") else [])
    found = {name.removeprefix("doublet_"): float(scores[name]) for name in wanted if name in scores}
    if kind == "proteins":
        found["annotation_accuracy"] = float(
            pd.read_csv(results / "protein_agreement.tsv", sep="\t").set_index("cell_type")["recall"]["all"]
        )
    if kind == "condition":
        found = {re.sub("(batch|condition)_asw", lambda name: MEASURED_OVER[name[0]], key): found[key] for key in found}
        table, summary = (pd.read_csv(results / f"expression{end}.tsv", sep="\t") for end in ("", "_summary"))
        if case.get("expected_response") and len(table):
            genes = yaml.safe_load((REPOSITORY / "config/markers/gene_sets.yaml").read_text(encoding="utf-8"))
            found["response_top15_min"] = min(
                response_in_top(table, set(genes[case["expected_response"]]), TOP).values()
            )
        if summary["false_de_rate"].notna().any():
            found["false_de_rate"] = float(summary["false_de_rate"].mean())
    return {f"{case['id']}.{name}": round(value, 4) for name, value in found.items()}


def prepare_case(case: dict[str, Any], data: Path, folder: Path) -> Run:
    """Sheet, labels and config of one case, written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = unified(case, data)
    rows: list[dict[str, str]] = []
    tables: list[pd.DataFrame] = []
    names = case.get("obs", {})
    if len(parts) == 1 and {"sample", "condition", "batch"} & set(names):
        rows, tables = split_by_obs(case, parts[0][0]["path"], parts[0][1], folder)
    else:
        for number, (part, known) in enumerate(parts):
            name = f"s{number}"
            row = {"sample": name, "patient_id": name, "condition": "all", "counts": str(part["path"])}
            rows.append(row | {"batch": str(part.get("batch", "batch1"))})
            tables.append(label_table(case, name, known))
    labels, sheet = folder / "labels.tsv", folder / "samples.tsv"
    told = pd.concat(tables)
    told.to_csv(labels, sep="\t", index=False)
    pd.DataFrame(rows).assign(labels=str(labels) if len(told) else "")[SHEET].to_csv(sheet, sep="\t", index=False)

    config = yaml.safe_load((REPOSITORY / "config" / "singlecell.yaml").read_text(encoding="utf-8"))
    kind = kind_of(case)
    tissue = case.get("tissue", "pbmc" if kind == "proteins" else "")
    markers = f"config/markers/{tissue}.yaml"
    config["samples"] = str(sheet)
    config["annotation"]["markers"] = markers if (REPOSITORY / markers).is_file() else ""
    config["doublets"]["expected_rate"] = "auto"
    conditions = sorted({row["condition"] for row in rows}, key=lambda name: (name.lower() not in CONTROLS, name))
    config["comparison"] |= {"reference": conditions[0], "contrast": conditions[-1], "permutation_control": True}
    targets = ["score_cells"] if len(told) else []
    if kind == "condition":
        targets.append("compare_expression")
    if kind == "proteins":
        config["proteins"] = {"gates": f"config/markers/{tissue}_proteins.yaml"}
        targets.append("add_proteins")
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    metrics: Callable[[Path], dict[str, float]] = partial(measured, case)
    return Run("singlecell", path, targets, metrics)


def prepare_reads(folder: Path) -> Run:
    """Reads simulated from a transcriptome, which need no data: counted, and compared with the planted molecules."""
    folder.mkdir(parents=True, exist_ok=True)
    changes = simulate(folder, SEED_OF_READS, LARGE)
    config = yaml.safe_load((REPOSITORY / "config" / "singlecell.yaml").read_text(encoding="utf-8")) | changes
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")

    def metrics(root: Path) -> dict[str, float]:
        found = agreement(root / "singlecell", folder / "truth")
        return {f"simulated.{name}": round(value, 5) for name, value in found.items()}

    return Run("singlecell", path, ["summarise_counting"], metrics)


def prepare(manifest: dict, data: Path, work: Path) -> list[Run]:
    """One run per case, and one on simulated reads.

    Raises
    ------
    SystemExit
        A case is of an unknown kind, and its fields do not tell it; the message names the known ones.
    """
    wrong = [f"{case['id']}: unknown kind '{case['kind']}'" for case in manifest["cases"] if not kind_of(case)]
    if wrong:
        raise SystemExit("; ".join(wrong) + f" (known: {', '.join(METRICS)})")
    runs = [prepare_case(case, data, work / "cases" / case["id"]) for case in manifest["cases"]]
    return [*runs, prepare_reads(work / "cases" / "simulated")]
