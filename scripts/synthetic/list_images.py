"""Join what was simulated per patient: the sample sheet of the imaging workflow and the truth tables."""

from pathlib import Path

import pandas as pd

from kimedlib.logs import log_to
from kimedlib.table_files import write_table

TASKS = {"ct": ("CT", "lesion"), "mr": ("MR", "brain"), "screen_save": ("OT", "none"), "scout": ("CT", "none")}


def main(
    *, patients: list[str], folders: list[Path], lesion_masks: list[Path], brain_masks: list[Path],
    lesions: list[Path], phi: list[Path], sheet: Path, all_lesions: Path, all_phi: Path,
) -> None:  # fmt: skip
    """Write sheet and truth; lists are in the order of `patients`.

    Raises
    ------
    ValueError
        A patient's folder holds no series.
    """
    truth = pd.concat([pd.read_csv(path, sep="\t", dtype=str) for path in lesions], ignore_index=True)
    volumes = truth.set_index(["patient_id", "structure"])["volume_ml"]
    rows = []
    for patient, folder, lesion_mask, brain_mask in zip(patients, folders, lesion_masks, brain_masks, strict=True):
        series = sorted(path.name for path in folder.iterdir() if path.is_dir())
        if not series:
            raise ValueError(f"{folder} holds no series")
        masks = {"lesion": lesion_mask, "brain": brain_mask}
        for name in series:
            modality, task = TASKS[name]
            rows.append(
                {
                    "sample": f"{patient}_{name}",
                    "patient_id": patient,
                    "modality": modality,
                    "task": task,
                    "image": str(folder / name),
                    "label": str(masks.get(task, "")),
                    "reference_volume_ml": volumes.get((patient, task), ""),
                }
            )
    tokens = pd.concat(
        [pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in phi], ignore_index=True
    )
    for path, table in ((sheet, pd.DataFrame(rows)), (all_lesions, truth), (all_phi, tokens)):
        write_table(table, path)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            patients=list(snakemake.params.patients),
            folders=[Path(path) for path in snakemake.input.folders],
            lesion_masks=[Path(path) for path in snakemake.input.lesion_masks],
            brain_masks=[Path(path) for path in snakemake.input.brain_masks],
            lesions=[Path(path) for path in snakemake.input.lesions],
            phi=[Path(path) for path in snakemake.input.phi],
            sheet=Path(snakemake.output.sheet),
            all_lesions=Path(snakemake.output.lesions),
            all_phi=Path(snakemake.output.phi),
        )
