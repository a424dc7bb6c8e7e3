"""Somatic accuracy over several random splits of the same reads, through the real workflow.

    python tests/benchmarks/somatic_splits.py --data "$KIMED_DATA" --seeds 101 102 --output results/somatic_splits.json

One split is one draw of the halves and of the reads that are mixed in. Mixtures: the `somatic_mixture` cases of the
manifest, and a null case (half against half) of every germline case with reads of its own. Counts are pooled over
splits; the exact intervals take variants of several splits for independent, which they are not (reads and truth are the
same), so that they are too narrow. The spread over splits is given beside them.
"""

import argparse
import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2] / "scripts")]

import genomics_cases  # noqa: E402
from bench import Run, commit, run_workflow  # noqa: E402

from kimedlib.statistics_intervals import exact_interval  # noqa: E402

Metrics = dict[int, dict[str, float]]  # by seed


def cases_of(manifest: dict[str, Any], data: Path) -> list[genomics_cases.Case]:
    """Mixtures of the manifest, and a null case of each sample that is no other's thinned copy."""
    known = genomics_cases.read_cases(manifest, data)
    found = [one for one in known if one.kind == "somatic_mixture" and one.spike is not None]
    alone = [one for one in known if one.kind == "germline" and one.downsample >= 1]
    return found + [
        replace(one, identifier=f"null_{one.identifier}", kind="somatic_mixture", background=one, fastq=())
        for one in alone
    ]


def measured(cases: list[genomics_cases.Case], seeds: list[int], runs: list[Run], work: Path, cores: int) -> Metrics:
    """Metrics of all cases by seed; runs that are done are not done again."""
    metrics: dict[str, float] = {}
    for number, run in enumerate(runs):
        run_workflow(replace(run, targets=["calls"]), work / f"run-{number}", cores)
        metrics |= run.metrics(work / f"run-{number}")
    return {
        seed: {
            f"{case.identifier}.{name.removeprefix(prefix)}": value
            for case in cases
            for name, value in metrics.items()
            if name.startswith(prefix := f"{case.identifier}-{seed}.")
        }
        for seed in seeds
    }


def summary(by_seed: Metrics) -> dict[str, dict[str, Any]]:
    """Pooled recall and precision with exact intervals per mixture and class, calls of null cases in all."""
    names = sorted({name.rsplit(".", 1)[0] for metrics in by_seed.values() for name in metrics})
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        calls = [metrics.get(f"{name}.calls") for metrics in by_seed.values()]
        if calls[0] is not None:
            found[name] = {"calls": int(sum(calls)), "splits": len(calls)}
            continue
        tp, fp, fn = (int(sum(one[f"{name}.{key}"] for one in by_seed.values())) for key in ("tp", "fp", "fn"))
        f1 = [one[f"{name}.f1"] for one in by_seed.values()]
        found[name] = {
            "f1": 2 * tp / max(1, 2 * tp + fp + fn),
            "recall": [tp / max(1, tp + fn), *(exact_interval(tp, tp + fn) if tp + fn else ())],
            "precision": [tp / max(1, tp + fp), *(exact_interval(tp, tp + fp) if tp + fp else ())],
            "f1_of_splits": [min(f1), statistics.median(f1), max(f1)],
            "true": tp + fn, "missed": fn, "wrong": fp, "splits": len(f1),
        }  # fmt: skip
    return found


def main() -> None:
    """Run all splits and write one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of docs/data.md")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("results/somatic_splits"))
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    data = options.data.resolve() / "genomics"
    manifest = yaml.safe_load((data / "manifest.yaml").read_text(encoding="utf-8"))
    cases, work = cases_of(manifest, data), options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    split = [replace(one, identifier=f"{one.identifier}-{seed}", seed=seed) for seed in options.seeds for one in cases]
    runs = genomics_cases.runs_of(split, manifest, data, work)
    by_seed = measured(cases, options.seeds, runs, work, options.cores)
    result = {"commit": commit(), "seeds": options.seeds, "summary": summary(by_seed), "by_seed": by_seed}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
