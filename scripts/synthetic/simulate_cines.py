"""Write cine series of invented hearts with contours, their sheet, and the planted ejection fractions."""

from pathlib import Path
from typing import Any

import pandas as pd

from kimedlib.cine_phantom import Heart, write_cine
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.table_files import write_table


def plan_heart(number: int, settings: dict[str, Any], seed: int) -> Heart:
    """Size, ejection fraction and phases of one patient; every second patient lacks a slice in the middle."""
    random = generator(seed, "heart", str(number))
    slices = settings["slices"]
    base = random.uniform(24, 29)
    radii = [base * (1 - 0.55 * (place / (slices - 1)) ** 2) for place in range(slices)]
    places = [-30.0 + settings["slice_distance_mm"] * place for place in range(slices)]
    if number % 2 == 0:
        del radii[slices // 2], places[slices // 2]
    phases = settings["phases"] + number % 2
    return Heart(
        tuple(float(radius) for radius in radii), float(random.uniform(8, 10)),
        float(round(random.uniform(*settings["ef_percent"]), 1)), tuple(places), phases, phases // 2,
    )  # fmt: skip


def main(*, folder: Path, sheet: Path, truth: Path, seed: int, settings: dict[str, Any]) -> None:
    """Simulate.

    Parameters
    ----------
    folder
        Gets <patient>/dicom/ and <patient>/contours/.
    sheet, truth
        Cine sheet of the imaging workflow; table patient_id, ef_percent.
    settings
        `imaging.cine` of the synthetic config.
    """
    rows = []
    for number in range(1, settings["patients"] + 1):
        patient = f"C{number:03d}"
        heart = plan_heart(number, settings, seed)
        write_cine(
            folder / patient / "dicom", folder / patient / "contours", heart=heart, patient=patient, seed=seed,
            size=settings["size"], pixel_mm=settings["pixel_mm"], random=generator(seed, "cine", patient),
        )  # fmt: skip
        rows.append(
            {
                "sample": f"{patient}_cine",
                "patient_id": patient,
                "image": str(folder / patient / "dicom"),
                "contours": str(folder / patient / "contours"),
                "reference_ef_percent": heart.ef_percent,
            }
        )
    table = pd.DataFrame(rows)
    write_table(table, sheet)
    write_table(table[["patient_id", "reference_ef_percent"]].set_axis(["patient_id", "ef_percent"], axis=1), truth)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            folder=Path(snakemake.output.folder),
            sheet=Path(snakemake.output.sheet),
            truth=Path(snakemake.output.truth),
            seed=snakemake.params.seed,
            settings=snakemake.params.settings,
        )
