"""Measure the quality of one sample."""

import json
from pathlib import Path
from typing import Any

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_content import check_alignments, check_variants, empty_chromosomes
from kimedlib.genomics_files import called_intervals, read_variants
from kimedlib.genomics_qc import (
    alignment_statistics,
    callable_share,
    coverage_summary,
    depth_histogram,
    estimate_sex,
    genotype_concordance,
    is_sex_chromosome,
    quality_problems,
    transition_ratio,
    zygosity,
)
from kimedlib.logs import log_to


def main(
    *,
    alignments: Path,
    statistics: Path,
    germline: Path | None,
    reference: Path,
    targets: Path | None,
    quality: Path,
    sample: dict[str, str],
    normal: str,
    region: str,
    settings: dict[str, Any],
) -> None:
    """Write one JSON object.

    Parameters
    ----------
    alignments, statistics
        CRAM and `samtools stats` of the sample.
    germline
        Variants of the patient's normal; None if there is none.
    reference
        Reference of the CRAM.
    normal
        Name of the patient's normal sample; "" if there is none.
    targets, region
        Where coverage is measured; None and "" for everywhere.
    quality
        JSON to write.
    sample
        sample, patient_id, role and sex of the sheet.
    settings
        Section `qc` of the config.

    Raises
    ------
    ValueError
        No properly paired reads, or no germline variant passed its filters; a file is cut off, of another sample or
        of other contigs.
    """
    check_alignments(alignments, sample["sample"], reference)
    if germline:
        check_variants(germline, [normal], reference)
    variants = list(read_variants(germline)) if germline else []
    if germline and not variants:
        raise ValueError(f"{germline}: no variant passed its filters")
    with pysam.AlignmentFile(str(alignments), reference_filename=str(reference)) as reads:
        intervals = called_intervals(dict(zip(reads.references, reads.lengths, strict=True)), targets, region)
        x_names = {"X", "chrX"}
        empty = empty_chromosomes(reads, intervals)
        histogram = depth_histogram(reads, intervals)
        on_x = coverage_summary(depth_histogram(reads, [one for one in intervals if one[0] in x_names]))
        elsewhere = coverage_summary(
            depth_histogram(reads, [one for one in intervals if not is_sex_chromosome(one[0])])
        )
        identity = genotype_concordance(reads, variants) if sample["role"] == "tumour" else None
    numbers = alignment_statistics(statistics)
    result: dict[str, Any] = {
        **{key: sample[key] for key in ("sample", "patient_id", "role")},
        "expected_sex": sample["sex"] or "unknown",
        "estimated_sex": estimate_sex(
            on_x.get("mean"),
            elsewhere.get("mean"),
            [one for one in variants if one.contig in x_names],
            settings["male_below"],
            settings["female_above"],
        ),
        "alignments": numbers,
        "duplicate_share": round(numbers["duplicated"] / numbers["mapped"], 5),
        "coverage": coverage_summary(histogram),
        "callable_share": callable_share(histogram, settings["callable_depth"]),
        "germline_ts_tv": transition_ratio(variants) if sample["role"] == "normal" else None,
        "zygosity": zygosity(variants) if sample["role"] == "normal" else None,
        "identity": identity,
        "depth_histogram": [int(count) for count in histogram],
    }
    result["problems"] = quality_problems(result, settings)
    if empty:
        result["problems"].append(f"no reads on {', '.join(empty)}: contigs lost?")
    with atomic_path(quality) as temporary:
        temporary.write_text(json.dumps(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            alignments=Path(snakemake.input.alignments),
            statistics=Path(snakemake.input.statistics),
            germline=Path(snakemake.input.germline[0]) if snakemake.input.germline else None,
            reference=Path(snakemake.input.reference),
            targets=Path(snakemake.input.targets) if snakemake.input.targets else None,
            quality=Path(snakemake.output.quality),
            sample=snakemake.params.sample,
            normal=snakemake.params.normal,
            region=snakemake.params.region,
            settings=snakemake.params.settings,
        )
