"""Score called variants against known truth."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pandas as pd
import pysam

from kimedlib.figure_style import GREY, PALETTE, new_figure, save_figure, use_style
from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.logs import log_to
from kimedlib.table_files import write_table
from kimedlib.variant_comparison import CalledVariant, Comparison, Regions, Tally, compare, pooled
from kimedlib.variant_strata import STRATA, Counts, Stratified, count_strata, curve, levels

KINDS = {"normal": "germline", "tumour": "somatic"}
CLASSES = ("snv", "indel")
QUALITY_FILTERS = {"low_quality"}  # what a curve over QUAL looks behind


def depth_counter(alignments: pysam.AlignmentFile) -> Callable[[CalledVariant], int]:
    """Reads (no duplicates, secondary or failed ones) over the first changed base of a variant."""

    def depth(variant: CalledVariant) -> int:
        start = variant.span[0]
        return int(alignments.count(variant.contig, start, start + 1, read_callback="all"))

    return depth


def open_alignments(path: Path, reference: Path) -> AbstractContextManager[pysam.AlignmentFile]:
    """Open a CRAM or BAM."""
    opened: AbstractContextManager[pysam.AlignmentFile] = pysam.AlignmentFile(
        str(path), reference_filename=str(reference)
    )
    return opened


def plot_curves(rows: pd.DataFrame, path: Path) -> None:
    """Precision over recall as the smallest QUAL falls, one panel per kind of samples."""
    use_style()
    kinds = list(dict.fromkeys(rows["sample"]))
    figure, panels = new_figure(1, len(kinds), figsize=(4.6 * len(kinds), 3.9), squeeze=False)
    for axes, kind in zip(panels[0], kinds, strict=True):
        lowest = 1.0
        for number, (colour, name) in enumerate(zip(PALETTE, CLASSES, strict=False)):
            line = rows[(rows["sample"] == kind) & (rows["class"] == name)].sort_values("minimum_quality")
            if not len(line):
                continue
            axes.plot(line["recall"], line["precision"], color=colour, marker="o", markersize=3, label=name)
            lowest = min(lowest, float(line["precision"].min()))
            end = line.iloc[0]
            axes.annotate(
                f"{name} QUAL {end['minimum_quality']:.0f}", (end["recall"], end["precision"]), ha="right",
                textcoords="offset points", xytext=(-6, -12 - 12 * number), fontsize=8, color=GREY,
            )  # fmt: skip
        axes.set(
            xlim=(0, 1.03), ylim=(min(0.9, lowest) - 0.05, 1.02), xlabel="Recall", ylabel="Precision", title=kind
        )  # fmt: skip
        axes.legend(title="Calls of at least QUAL", loc="lower left")
    save_figure(figure, path)


def main(
    *,
    calls: Sequence[Path],
    truths: Sequence[Path],
    alignments: Sequence[Path],
    reference: Path,
    scores: Path,
    strata: Path,
    curves: Path,
    figure: Path,
    samples: Sequence[Mapping[str, str]],
) -> None:
    """Compare by haplotypes within the regions where the truth is complete, and write three tables and a figure.

    Parameters
    ----------
    calls, truths, alignments
        VCF files and CRAM of each sample, in the same order.
    reference
        Indexed FASTA.
    scores
        Table `sample, metric, value`; metrics are `<snv|indel>.<tp|fp|fn|precision|recall|f1>`. Rows of the samples
        `germline` and `somatic` hold the pooled counts of all normals and all tumours.
    strata
        Table of the pooled counts per class, stratum and level, with exact 95 % intervals.
    curves
        Table of the pooled precision and recall over the smallest QUAL.
    figure
        PNG of `curves`.
    samples
        sample, role and truth_bed ("" for everywhere) in the order of `calls`.

    Raises
    ------
    ValueError
        The truth of no sample is known.
    """
    if not samples:
        raise ValueError("there is nothing to score: fill truth_vcf (and truth_bed) in the sample sheet")
    rows: list[tuple[str, Mapping[str, Tally]]] = []
    groups: dict[str, list[Mapping[str, Tally]]] = {}
    counts: dict[str, Counts] = {}
    unfiltered: dict[str, list[Comparison]] = {}
    with pysam.FastaFile(str(reference)) as fasta:
        for called, true, reads, sample in zip(calls, truths, alignments, samples, strict=True):
            kind = KINDS[sample["role"]]
            germline = kind == "germline"
            regions = Regions(read_bed(sample["truth_bed"]) if sample["truth_bed"] else [])
            true_variants = list(read_variants(true))
            outcome = compare(true_variants, read_variants(called), regions, fasta.fetch, genotypes=germline)
            for name, variants in (("missed", outcome.missed), ("wrong", outcome.wrong)):
                for variant in variants:
                    print(sample["sample"], name, variant)
            rows.append((sample["sample"], outcome.tallies))
            groups.setdefault(kind, []).append(outcome.tallies)
            with open_alignments(reads, reference) as opened:
                depth = depth_counter(opened)
                levels_of = partial(levels, fetch=fasta.fetch, depth=depth, genotypes=germline)
                count_strata(counts.setdefault(kind, {}), outcome, levels_of)
            everything = read_variants(called, also=QUALITY_FILTERS)
            unfiltered.setdefault(kind, []).append(
                compare(true_variants, everything, regions, fasta.fetch, genotypes=germline)
            )
    rows += [(kind, pooled(tallies)) for kind, tallies in sorted(groups.items())]
    metrics = [
        {"sample": name, "metric": f"{variant_class}.{metric}", "value": round(value, 6)}
        for name, by_class in rows
        for variant_class, tally in by_class.items()
        for metric, value in tally.metrics().items()
    ]
    write_table(pd.DataFrame(metrics), scores)
    write_table(strata_table(counts), strata)
    points = curve_table(unfiltered)
    write_table(points, curves)
    plot_curves(points, figure)


def strata_table(counts: Mapping[str, Counts]) -> pd.DataFrame:
    """One row per kind of samples, class, stratum and level that occurs."""
    return pd.DataFrame(
        [
            {"sample": kind, "class": name, "stratum": stratum, "level": level, **Stratified(*cells).row()}
            for kind, by_stratum in sorted(counts.items())
            for (name, stratum, level), cells in sorted(
                by_stratum.items(), key=lambda one: (CLASSES.index(one[0][0]), STRATA.index(one[0][1]), one[0][2])
            )
        ]
    )


def curve_table(outcomes: Mapping[str, Sequence[Comparison]]) -> pd.DataFrame:
    """One row per kind of samples, class and smallest QUAL."""
    columns = ["sample", "class", "minimum_quality", "truths", "found", "wrong", "calls", "recall", "precision"]
    return pd.DataFrame(
        [
            {
                "sample": kind, "class": name, **point._asdict(),
                "recall": round(point.found / point.truths, 6) if point.truths else "",
                "precision": round(1 - point.wrong / point.calls, 6),
            }
            for kind, some in sorted(outcomes.items())
            for name in CLASSES
            for point in curve(some, name)
        ],
        columns=columns,
    )  # fmt: skip


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            calls=[Path(path) for path in snakemake.input.calls],
            truths=[Path(path) for path in snakemake.input.truths],
            alignments=[Path(path) for path in snakemake.input.alignments],
            reference=Path(snakemake.input.reference),
            scores=Path(snakemake.output.scores),
            strata=Path(snakemake.output.strata),
            curves=Path(snakemake.output.curves),
            figure=Path(snakemake.output.figure),
            samples=snakemake.params.samples,
        )
