"""Decide who the invented patients are and what every simulator plants in them."""

from pathlib import Path
from typing import Any

import pandas as pd

from kimedlib.cohort_plan import plan_patients
from kimedlib.logs import log_to
from kimedlib.table_files import write_table


def main(plan: Path, seed: int, patients: int, effect_size: float, settings: dict[str, Any]) -> None:
    """Write the plan, one row per patient (columns in workflows/synthetic/README.md)."""
    frame = pd.DataFrame(plan_patients(seed, patients, effect_size, settings))
    write_table(frame, plan)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            Path(snakemake.output.plan),
            snakemake.params.seed,
            snakemake.params.patients,
            snakemake.params.effect_size,
            snakemake.params.settings,
        )
