"""Clinical study table as a trial office hands it out: pseudonyms, arms and outcomes, no names."""

from pathlib import Path

import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to

CLINICAL_COLUMNS = ["patient_id", "sex", "age_years", "treatment", "survival_days", "event", "response"]


def main(plan: Path, clinical: Path) -> None:
    """Copy the columns that a study may see from the plan; never subtype, names or record numbers."""
    frame = pd.read_csv(plan, sep="\t", dtype=str, keep_default_na=False)
    with atomic_path(clinical) as temporary:
        frame[CLINICAL_COLUMNS].to_csv(temporary, sep="\t", index=False, lineterminator="\n")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(Path(snakemake.input.plan), Path(snakemake.output.clinical))
