"""Write labelled liver CT volumes for training: other random patients than the cohort, images and lesion masks."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimedlib.atomic import atomic_path
from kimedlib.imaging_phantom import Grid, liver_ct
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.table_files import write_table

# Finer than the noise, coarse enough to keep the committed files small.
STEP_HU = 8
# Columns and rows of a volume; a random part of the cohort's field of view that holds the whole lesion.
CROP = 48
VOLUME_ML = (2.0, 30.0)
HETEROGENEITY_HU = (4.0, 38.0)


def case_names(count: int) -> list[str]:
    """T001, T002, ...: names that no patient of the cohort has."""
    return [f"T{number:03d}" for number in range(1, count + 1)]


def crop_window(lesion: NDArray[np.bool_], random: np.random.Generator) -> tuple[slice, slice]:
    """Random window of CROP columns and rows around the lesion (columns, rows, slices), or all if there are fewer."""
    window = []
    for axis in (0, 1):
        inside = np.flatnonzero(lesion.any(axis=tuple({0, 1, 2} - {axis})))
        size = lesion.shape[axis]
        low = max(0, int(inside[-1]) + 2 - CROP)
        high = min(int(inside[0]) - 1, size - CROP)
        start = int(random.integers(low, high + 1)) if high >= low else 0
        window.append(slice(start, start + CROP) if high >= low else slice(0, size))
    return window[0], window[1]


def main(images: list[Path], labels: list[Path], sheet: Path, seed: int, settings: dict[str, Any]) -> None:
    """Simulate the training cases.

    Lesion volumes are log-uniform over `VOLUME_ML` and textures uniform over `HETEROGENEITY_HU`: wider than
    any cohort, and independent of its plan. Random streams are keyed apart from those of patients.

    Parameters
    ----------
    images, labels
        NIfTI outputs, one pair per case, int16 HU in steps of `STEP_HU` and uint8 masks.
    sheet
        Training sheet with the columns case_id, image, label.
    settings
        Section `imaging` of the synthetic config.
    """
    grid = Grid(tuple(settings["ct"]["shape"]), tuple(settings["ct"]["spacing_mm"]))
    affine = np.diag([-grid.spacing[0], -grid.spacing[1], grid.spacing[2], 1.0])
    rows = []
    for case, image, label in zip(case_names(len(images)), images, labels, strict=True):
        random = generator(seed, "training images", case)
        volume = float(np.exp(random.uniform(*np.log(VOLUME_ML))))
        phantom = liver_ct(grid, volume, float(random.uniform(*HETEROGENEITY_HU)), settings["ct"]["noise"], random)
        lesion = phantom.share >= 0.5
        window = crop_window(lesion, random)
        stored = (np.rint(phantom.image / STEP_HU) * STEP_HU).astype(np.int16)
        for path, data in ((image, stored[window]), (label, lesion[window].astype(np.uint8))):
            with atomic_path(path) as temporary:
                nib.save(nib.Nifti1Image(data, affine), temporary)
        rows.append({"case_id": case, "image": str(image), "label": str(label)})
    write_table(pd.DataFrame(rows), sheet)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            [Path(path) for path in snakemake.output.images],
            [Path(path) for path in snakemake.output.labels],
            Path(snakemake.output.sheet),
            snakemake.params.seed,
            snakemake.params.settings,
        )
