"""Copy numbers of all tumours, each against its own normal, weighted by how much normals scatter."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.figure_style import GREY, PALE, PALETTE, new_figure, save_figure, use_style
from kimedlib.genomics_copy_number import COLUMNS, log_ratios, segments, spread_among_normals
from kimedlib.genomics_qc import is_sex_chromosome
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

MAXIMUM_TUMOURS = 12
STATE_COLOURS = {"gain": PALETTE[1], "loss": PALETTE[0], "neutral": GREY, "too short": PALE, "not determinable": PALE}


def read_bins(paths: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """Bins of every tumour.

    Raises
    ------
    ValueError
        Two tumours have other bins.
    """
    found = {name: pd.read_csv(path, sep="\t", dtype={"contig": str}) for name, path in sorted(paths.items())}
    places = None
    for name, table in found.items():
        here = table[["contig", "start", "end"]]
        if places is not None and not here.equals(places):
            raise ValueError(f"{paths[name]}: its bins are not those of the other tumours; remove it to make it again")
        places = here
    return found


def plot(ratios: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]], path: Path, hidden: int) -> None:
    """log2 ratios by bin and segment, one row per tumour, contigs side by side."""
    use_style()
    count = max(1, len(ratios))
    figure, panels = new_figure(count, 1, figsize=(8, 1.1 + 0.85 * count), sharex=True, squeeze=False)
    for axes, (name, (bins, found)) in zip(panels[:, 0], ratios.items(), strict=False):
        axes.axhline(0, color="0.85", linewidth=0.8)
        axes.scatter(range(len(bins)), bins["log2"].clip(-2.2, 2.2), s=5, color=PALE)
        for row in found.to_dict("records"):
            starts = bins["start"].between(row["start"], row["end"] - 1) & (bins["chromosome"] == row["contig"])
            inside = np.flatnonzero(starts)
            colour = STATE_COLOURS[row["state"]]
            axes.hlines(row["log2"], inside.min() - 0.4, inside.max() + 0.4, color=colour, linewidth=2)
        contigs = bins["chromosome"].to_numpy()
        for border in np.flatnonzero(contigs[1:] != contigs[:-1]):
            axes.axvline(border + 0.5, color="0.7", linewidth=0.8)
        axes.set(ylim=(-2.4, 2.4), ylabel=name.replace("_tumour", ""))
        axes.yaxis.label.set(rotation=0, ha="right", va="center")
        middles = [(contig, float(np.flatnonzero(contigs == contig).mean())) for contig in dict.fromkeys(contigs)]
        axes.set_xticks([middle for _, middle in middles], [contig for contig, _ in middles])
    title = "Copy numbers: log2 of tumour over its normal, per bin"
    panels[0, 0].set_title(f"{title} (first {len(ratios)}, {hidden} more)" if hidden else title)
    if not ratios:
        panels[0, 0].text(0.5, 0.5, "no tumours with a normal in this run", ha="center", color=GREY)
    save_figure(figure, path)


def main(*, bins: Mapping[str, Path], calls: Path, figure: Path, settings: Mapping[str, Any]) -> None:
    """Write one row per segment and tumour, and a figure.

    Parameters
    ----------
    bins
        Table of depths per bin of every tumour with a normal (`profile_tumour`).
    calls, figure
        Table (column sample and those of `genomics_copy_number`) and PNG to write.
    settings
        Section `copy_number` of the config.
    """
    found = read_bins(bins)
    drawn: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
    tables = []
    if found:
        contigs = next(iter(found.values()))["contig"]
        sexed = np.array([is_sex_chromosome(contig) for contig in contigs])
        spread = spread_among_normals([one["normal"].to_numpy(float) for one in found.values()], sexed)
    for name, table in found.items():
        ratios = log_ratios(table, spread)
        called = segments(ratios, settings)
        tables.append(called.assign(sample=name)[["sample", *COLUMNS]])
        drawn[name] = ratios.data, called
        print(
            name, *(f"{one['contig']}:{one['start']}-{one['end']} {one['state']}" for one in called.to_dict("records"))
        )
    empty = pd.DataFrame(columns=["sample", *COLUMNS])
    write_table(pd.concat(tables, ignore_index=True) if tables else empty, calls, float_format="%.4f")
    plot(dict(list(drawn.items())[:MAXIMUM_TUMOURS]), figure, max(0, len(drawn) - MAXIMUM_TUMOURS))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bins={name: Path(path) for name, path in zip(snakemake.params.samples, snakemake.input.bins, strict=True)},
            calls=Path(snakemake.output.calls),
            figure=Path(snakemake.output.figure),
            settings=snakemake.params.settings,
        )
