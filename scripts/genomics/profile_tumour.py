"""What a tumour's mutations, repeats and depths tell: burden, instability, contexts, clones, tumour in the normal."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_burden import Bin, Interval, burden, cover, merged, tumour_in_normal
from kimedlib.genomics_clones import clones
from kimedlib.genomics_consequences import PROTEIN_CHANGING, main_consequence
from kimedlib.genomics_contexts import context_of, trinucleotides
from kimedlib.genomics_evidence import GERMLINE_FRACTION, NearbyReads, length_votes
from kimedlib.genomics_files import called_intervals, open_variants, passing
from kimedlib.genomics_msi import Locus, instability, repeats
from kimedlib.logs import log_to
from kimedlib.variant_comparison import CalledVariant, Regions

FLANK = 80  # reference bases beside an interval within which a repeat may begin or end


def passing_variants(path: Path, fasta: pysam.FastaFile) -> list[dict[str, Any]]:
    """Passing somatic variants as table rows, in order."""
    with open_variants(path) as source:
        annotated = "BCSQ" in source.header.info
        alone = len(source.header.samples) == 1
        records = [
            {
                "contig": record.contig,
                "position": record.pos,
                "reference": record.ref.upper(),
                "other": record.alts[0].upper(),
                "quality": round(float(record.qual), 2),
                **counts(record, alone=alone),
                "entries": list(record.info.get("BCSQ", ())) if annotated else [],
            }
            for record in source
            if passing(record)
        ]
    annotations: dict[str, dict[int, list[str]]] = {}
    for row in records:
        annotations.setdefault(row["contig"], {}).setdefault(row["position"], []).extend(row.pop("entries"))
    for row in records:
        row.update(main_consequence(annotations[row["contig"]], row["position"])._asdict())
        row["context"] = None
        if len(row["reference"]) == len(row["other"]) == 1 and row["position"] > 1:
            three = fasta.fetch(row["contig"], row["position"] - 2, row["position"] + 1)
            row["context"] = context_of(three[0], three[1], three[2], row["other"]) if len(three) == 3 else None
    return records


def counts(record: pysam.VariantRecord, *, alone: bool) -> dict[str, Any]:
    """Fragments of tumour and normal at a record."""
    tumour = record.samples[len(record.samples) - 1]
    found: dict[str, Any] = {
        "tumour_reads": int(tumour["AD"][1]),
        "tumour_depth": int(tumour["DP"]),
        "tumour_fraction": round(float(tumour["AF"][0]), 4),
        "normal_reads": None,
        "normal_depth": None,
    }
    if not alone:
        normal = record.samples[0]
        found |= {"normal_reads": int(normal["AD"][1]), "normal_depth": int(normal["DP"])}
    return found


def leaking_candidates(path: Path) -> list[tuple[int, int, float]]:
    """Substitutions that pass or fail only because the normal shows a little of them.

    Returns
    -------
    list of (fragments of the normal that show it, all of the normal, fraction in the tumour)
    """
    found = []
    with open_variants(path) as source:
        if len(source.header.samples) == 1:
            return []
        for record in source:
            substitution = len(record.ref) == len(record.alts[0]) == 1
            if substitution and set(record.filter.keys()) <= {"PASS", "in_normal", "no_difference"}:
                normal, tumour = record.samples[0], record.samples[1]
                if normal["DP"] and normal["AD"][1] <= GERMLINE_FRACTION * normal["DP"]:
                    found.append((int(normal["AD"][1]), int(normal["DP"]), float(tumour["AF"][0])))
    return found


def loci(fasta: pysam.FastaFile, intervals: Sequence[Interval], settings: dict[str, Any]) -> Iterator[Locus]:
    """Repeats that lie in the intervals, each once."""
    for contig, start, end in intervals:
        first = max(0, start - FLANK)
        bases = fasta.fetch(contig, first, end + FLANK).upper()
        yield from (one for one in repeats(contig, first, bases, settings) if start <= one.start and one.end <= end)


def repeat_lengths(
    found: Sequence[Locus], tumour: NearbyReads, normal: NearbyReads
) -> list[tuple[Counter[int], Counter[int]]]:
    """Fragments per length of every repeat, of tumour and normal."""

    def lengths(reads: NearbyReads, locus: Locus) -> Counter[int]:
        votes = length_votes(reads.at(locus.contig, locus.start, locus.end), locus.start, locus.end)
        return Counter(len(vote.allele) for vote in votes)

    return [(lengths(tumour, one), lengths(normal, one)) for one in found]


def main(
    *,
    variants: Path,
    tumour: Path,
    normal: Path | None,
    reference: Path,
    targets: Path | None,
    region: str,
    profile: Path,
    bins: Path,
    sample: dict[str, str],
    calling: dict[str, Any],
    settings: dict[str, Any],
) -> None:
    """Write one JSON object, and a table of depths per bin.

    Parameters
    ----------
    variants
        Annotated somatic variants of the tumour.
    tumour, normal, reference
        CRAM files (normal may be missing) and their reference.
    targets, region
        Where was called; None and "" for everywhere.
    profile, bins
        JSON and table to write; `bins` has the columns of `genomics_burden.Bin`.
    sample
        sample and patient_id.
    calling, settings
        Sections `somatic` and `tumour` of the config.

    Raises
    ------
    ValueError
        No base is covered deeply enough in both samples.
    """
    minimum = calling["minimum_mapping_quality"]
    with ExitStack() as stack:
        fasta = stack.enter_context(pysam.FastaFile(str(reference)))

        def alignments(path: Path) -> pysam.AlignmentFile:
            return stack.enter_context(pysam.AlignmentFile(str(path), reference_filename=str(reference)))

        shown, beside = alignments(tumour), alignments(normal) if normal else None
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
        intervals = merged(called_intervals(lengths, targets, region))
        coverage = cover(
            shown, beside, fasta.fetch, intervals, minimum_depth=calling["minimum_depth"], mapping_quality=minimum,
            base_quality=calling["minimum_base_quality"], bin_size=settings["copy_number"]["bin_size"],
        )  # fmt: skip
        rows = passing_variants(variants, fasta)
        stable = None
        if beside:
            found = list(loci(fasta, intervals, settings["msi"]))
            near = NearbyReads(shown, minimum), NearbyReads(beside, minimum)
            stable = instability(repeat_lengths(found, *near), settings["msi"])
        sequenced = genome = None
        if settings["signatures"]:
            sequenced = trinucleotides(fasta.fetch(*span) for span in coverage.callable_spans)
            genome = trinucleotides(fasta.fetch(name) for name in fasta.references)
    bases = sum(end - start for _, start, end in coverage.callable_spans)
    where = Regions(coverage.callable_spans)
    inside = [row for row in rows if where.hold(as_variant(row))]
    changing = [row for row in inside if PROTEIN_CHANGING & set(row["consequence"].split("&"))]
    groups = clones([row["tumour_reads"] for row in rows], [row["tumour_depth"] for row in rows])
    leak = tumour_in_normal(leaking_candidates(variants))
    result = {
        **{key: sample[key] for key in ("sample", "patient_id")},
        "burden": burden(len(inside), bases)._asdict(),
        "protein_changing_burden": burden(len(changing), bases)._asdict(),
        "instability": stable._asdict() if stable else None,
        "tumour_in_normal": leak._asdict() if leak else None,
        "clones": {**groups._asdict(), "purity": groups.purity} if groups else None,
        "sequenced_contexts": sequenced,
        "genome_contexts": genome,
        "variants": rows,
    }
    with atomic_path(bins) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(Bin._fields)
        writer.writerows((*one[:3], *(f"{value:.6g}" for value in one[3:])) for one in coverage.bins)
    with atomic_path(profile) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def as_variant(row: dict[str, Any]) -> CalledVariant:
    """The variant of a table row."""
    return CalledVariant(row["contig"], row["position"] - 1, row["reference"], (row["other"],), (0, 1))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            variants=Path(snakemake.input.variants),
            tumour=Path(snakemake.input.tumour),
            normal=Path(snakemake.input.normal[0]) if snakemake.input.normal else None,
            reference=Path(snakemake.input.reference),
            targets=Path(snakemake.input.targets) if snakemake.input.targets else None,
            region=snakemake.params.region,
            profile=Path(snakemake.output.profile),
            bins=Path(snakemake.output.bins),
            sample=snakemake.params.sample,
            calling=snakemake.params.calling,
            settings=snakemake.params.settings,
        )
