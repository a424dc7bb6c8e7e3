"""Join what was simulated per patient: the sample sheet of the single-cell workflow and the truth tables."""

from pathlib import Path
from typing import Any

import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.cells_writing import H5_NAME, H5AD_NAME
from kimedlib.logs import log_to
from kimedlib.table_files import write_gzip, write_table


def counts_path(folder: Path) -> Path:
    """The path a sample sheet gives: the file inside the folder, or the folder itself for MTX.

    Raises
    ------
    ValueError
        The folder holds no counts.
    """
    for name in (H5_NAME, H5AD_NAME):
        if (folder / name).is_file():
            return folder / name
    if not (folder / "matrix.mtx.gz").is_file():
        raise ValueError(f"{folder} holds no counts")
    return folder


def main(
    *, patients: list[str], folders: list[Path], truths: list[Path], responses: list[Path], shares: list[Path],
    sheet: Path, cells: Path, genes: Path, composition: Path,
) -> None:  # fmt: skip
    """Write sheet and truth; lists are in the order of `patients`."""
    portions = pd.concat([pd.read_csv(path, sep="\t") for path in shares], ignore_index=True)
    people = portions.drop_duplicates("patient_id").set_index("patient_id")
    rows: list[dict[str, Any]] = [
        {
            "sample": f"{patient}_cells",
            "patient_id": patient,
            "condition": people.loc[patient, "treatment"],
            "batch": people.loc[patient, "batch"],
            "counts": str(counts_path(folder)),
            "labels": str(cells),
        }
        for patient, folder in zip(patients, folders, strict=True)
    ]
    for path, table in (
        (sheet, pd.DataFrame(rows)),
        (genes, pd.read_csv(responses[0], sep="\t")),
        (composition, portions),
    ):
        write_table(table, path)
    with atomic_path(cells) as temporary:
        joined = "".join(path.read_text(encoding="utf-8").partition("\n")[2] for path in truths)
        write_gzip(temporary, truths[0].read_text(encoding="utf-8").partition("\n")[0] + "\n" + joined)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            patients=list(snakemake.params.patients),
            folders=[Path(path) for path in snakemake.input.folders],
            truths=[Path(path) for path in snakemake.input.truths],
            responses=[Path(path) for path in snakemake.input.responses],
            shares=[Path(path) for path in snakemake.input.shares],
            sheet=Path(snakemake.output.sheet),
            cells=Path(snakemake.output.cells),
            genes=Path(snakemake.output.genes),
            composition=Path(snakemake.output.composition),
        )
