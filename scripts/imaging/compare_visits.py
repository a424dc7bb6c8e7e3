"""How regions changed between the visits of a patient, with intervals where the network gives them."""

import itertools
import math
from pathlib import Path

import pandas as pd

from kimedlib.figure_style import new_figure, save_figure
from kimedlib.imaging_pictures import COLOURS, use_quiet_style
from kimedlib.imaging_tables import read_sheet_rows, read_table, records
from kimedlib.imaging_uncertainty import relative_change
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

COLUMNS = [
    "patient_id", "region", "modality", "from_visit", "to_visit", "from_ml", "to_ml", "change_pct", "low_pct",
    "high_pct", "clear",
]  # fmt: skip
Volume = tuple[float, float, float]


def volumes_by_visit(
    sheet: Path, measurements: Path, intervals: list[Path]
) -> dict[tuple[str, ...], dict[int, Volume]]:
    """Volume with interval (without one: itself twice) by patient, region and modality, then by visit.

    Raises
    ------
    ValueError
        Two images of one visit show the same region in the same modality.
    """
    visits = {row["sample"]: row["visit"] for row in records(read_sheet_rows(sheet))}
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for path in intervals:
        known |= {(row["sample"], row["region"]): (row["low_ml"], row["high_ml"]) for row in records(read_table(path))}
    found: dict[tuple[str, ...], dict[int, Volume]] = {}
    for row in records(read_table(measurements)):
        if not visits[row["sample"]]:
            continue
        series = found.setdefault((row["patient_id"], row["region"], row["modality"]), {})
        visit = int(visits[row["sample"]])
        if visit in series:
            raise ValueError(
                f"patient {row['patient_id']}, visit {visit}: two images show {row['region']} in {row['modality']}; "
                "leave the visit of one of them empty in the sheet"
            )
        volume = row["volume_ml"]
        low, high = known.get((row["sample"], row["region"]), (volume, volume))
        series[visit] = (float(volume), float(low), float(high))
    return {key: dict(sorted(series.items())) for key, series in sorted(found.items()) if len(series) > 1}


def change_rows(series: dict[tuple[str, ...], dict[int, Volume]]) -> list[dict[str, object]]:
    """One row per region and pair of visits that follow each other."""
    rows: list[dict[str, object]] = []
    for key, visits in series.items():
        for (first, before), (second, after) in itertools.pairwise(visits.items()):
            row: dict[str, object] = dict(zip(COLUMNS[:3], key, strict=True))
            row |= {"from_visit": first, "to_visit": second} | {
                "from_ml": f"{before[0]:.6g}",
                "to_ml": f"{after[0]:.6g}",
            }
            if before[0] > 0:
                change, low, high, clear = relative_change(before, after)
                row["change_pct"] = f"{change:.3f}"
                if before[1] < before[2] or after[1] < after[2]:
                    row |= {"low_pct": f"{low:.3f}", "high_pct": f"{high:.3f}" if high < math.inf else ""}
                    row["clear"] = "yes" if clear else "no"
            rows.append(row)
    return rows


def draw_changes(series: dict[tuple[str, ...], dict[int, Volume]], picture: Path) -> None:
    """Volume over visits, one panel per region, a line per patient with its intervals."""
    use_quiet_style()
    regions = sorted({key[1] for key in series})
    figure, grid = new_figure(
        1, max(1, len(regions)), figsize=(3.2 * max(1, len(regions)), 3), squeeze=False, layout="constrained"
    )
    for axes, region in zip(grid.flat, regions, strict=False):
        chosen = [visits for key, visits in series.items() if key[1] == region]
        for number, visits in enumerate(chosen):
            values = [volume for volume, _, _ in visits.values()]
            ends = [[v - low for v, low, _ in visits.values()], [high - v for v, _, high in visits.values()]]
            colour = COLOURS[number % len(COLOURS)]
            axes.errorbar(list(visits), values, yerr=ends, color=colour, marker="o", markersize=3, capsize=2)
        axes.set(xlabel="Visit", ylabel="Volume (ml)", title=region)
        axes.set_xticks(sorted({visit for visits in chosen for visit in visits}))
    save_figure(figure, picture)


def main(*, sheet: Path, measurements: Path, intervals: list[Path], changes: Path, picture: Path) -> None:
    """Compare visits that follow each other.

    Parameters
    ----------
    sheet
        Sample sheet with the column `visit`, a number that grows with time.
    measurements, intervals
        Of `measure_regions` and `segment_regions`; the latter an empty list without network.
    changes
        Table: patient_id, region, modality, from_visit, to_visit, from_ml, to_ml, change_pct; with intervals also
        low_pct, high_pct and clear (yes where the intervals of the two volumes do not meet).
    picture
        Volumes over visits, PNG.

    Raises
    ------
    ValueError
        Two images of one visit show the same region in the same modality.
    """
    series = volumes_by_visit(sheet, measurements, intervals)
    write_table(pd.DataFrame(change_rows(series), columns=COLUMNS), changes)
    draw_changes(series, picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            sheet=Path(snakemake.input.sheet),
            measurements=Path(snakemake.input.measurements),
            intervals=[Path(path) for path in snakemake.input.intervals],
            changes=Path(snakemake.output.changes),
            picture=Path(snakemake.output.picture),
        )
