"""Clinical study table as a trial office hands it out: pseudonyms, arms and outcomes, no names."""

from pathlib import Path

import pandas as pd

from kimedlib.logs import log_to
from kimedlib.table_files import write_table

CLINICAL_COLUMNS = ["patient_id", "sex", "age_years", "treatment", "survival_days", "event", "response"]


def main(plan: Path, clinical: Path) -> None:
    """Copy the columns that a study may see from the plan; never subtype, names or record numbers."""
    frame = pd.read_csv(plan, sep="\t", dtype=str, keep_default_na=False)
    write_table(frame[CLINICAL_COLUMNS], clinical)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(Path(snakemake.input.plan), Path(snakemake.output.clinical))
