"""One row per patient for the cohort, one row per sample for quality."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from kimedlib.atomic import atomic_path
from kimedlib.genomics_consequences import changed_genes
from kimedlib.genomics_files import open_variants, passing, read_variants, tumour_fraction
from kimedlib.logs import log_to

FEATURES = (
    "patient_id",
    "driver_mutated",
    "somatic_snv_count",
    "somatic_indel_count",
    "somatic_protein_changing_count",
    "median_tumour_vaf",
    "germline_snv_count",
    "germline_indel_count",
    "germline_ts_tv",
    "normal_mean_coverage",
    "tumour_mean_coverage",
    "tumour_normal_concordance",
    "estimated_sex",
)
# Columns of the share of foreign reads, and what `check_identity` calls them
SHARES = {f"contamination{end}_pct": f"contamination{end}" for end in ("", "_low", "_high")}
SAMPLE_COLUMNS = (
    "sample",
    "patient_id",
    "role",
    "reads",
    "mapped_pct",
    "properly_paired_pct",
    "duplicate_pct",
    "insert_size_mean",
    "mean_coverage",
    "covered_20x_pct",
    "germline_ts_tv",
    "expected_sex",
    "estimated_sex",
    "tumour_normal_concordance",
    "callable_pct",
    *SHARES,
    "contamination_source",
    "status",
    "problems",
)


def somatic_features(path: Path, driver_genes: Sequence[str]) -> dict[str, Any]:
    """What a tumour carries: counts by class, driver, median allele fraction of passing variants.

    Without a gene model what needs consequences is not known, and empty.
    """
    with open_variants(path) as source:
        annotated = "BCSQ" in source.header.info  # only if there is a gene model
        records = [
            (
                record.contig,
                record.pos,
                len(record.ref) != len(record.alts[0]),
                tumour_fraction(record),
                tuple(record.info.get("BCSQ", ())) if annotated else (),
            )
            for record in source
            if passing(record)
        ]
    annotations: dict[str, dict[int, list[str]]] = {}
    for contig, position, _, _, entries in records:
        annotations.setdefault(contig, {}).setdefault(position, []).extend(entries)
    changed = [changed_genes(annotations[contig], position) for contig, position, *_ in records]
    fractions = [fraction for _, _, _, fraction, _ in records]
    return {
        "driver_mutated": int(any(genes & set(driver_genes) for genes in changed)) if annotated else "",
        "somatic_snv_count": sum(not is_indel for _, _, is_indel, _, _ in records),
        "somatic_indel_count": sum(is_indel for _, _, is_indel, _, _ in records),
        "somatic_protein_changing_count": sum(map(bool, changed)) if annotated else "",
        "median_tumour_vaf": round(median(fractions), 4) if fractions else "",
    }


def sample_row(quality: dict[str, Any]) -> dict[str, Any]:
    """One row of the quality table."""
    numbers, coverage = quality["alignments"], quality["coverage"]

    def percent(key: str) -> float:
        return round(100 * float(numbers[key] / numbers["reads"]), 2)

    return {
        **{key: quality[key] for key in ("sample", "patient_id", "role", "expected_sex", "estimated_sex")},
        "reads": int(numbers["reads"]),
        "mapped_pct": percent("mapped"),
        "properly_paired_pct": percent("properly_paired"),
        "duplicate_pct": percent("duplicated"),
        "insert_size_mean": numbers["insert_size_mean"],
        "mean_coverage": round(coverage.get("mean", 0.0), 2),
        "covered_20x_pct": round(100 * coverage.get("share_20x", 0.0), 2),
        "germline_ts_tv": empty_if_none(quality["germline_ts_tv"]),
        "tumour_normal_concordance": empty_if_none((quality["identity"] or {}).get("concordance")),
        "callable_pct": round(100 * quality["callable_share"], 2),
        **{name: empty_if_none(quality[name]) for name in SHARES},
        "contamination_source": quality["contamination_source"],
        "status": quality["status"],
        "problems": "; ".join(quality["problems"]),
    }


def empty_if_none(value: float | None) -> float | str:
    """Missing values are empty cells."""
    return "" if value is None else value


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Write a tab-separated table; absent values are empty cells."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="", delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def judge_samples(
    by_sample: dict[str, dict[str, Any]], identities: Sequence[dict[str, Any]], on_failure: str
) -> set[str]:
    """Join what is known about each sample, add its status, tell of all problems on the log.

    Returns
    -------
    set of str
        Patients in quarantine.

    Raises
    ------
    ValueError
        A sample has problems and `on_failure` is "stop"; all of them are named.
    """
    for one in identities:
        about = by_sample[one["sample"]]
        about["problems"] = [*about["problems"], *one["problems"]]
        for name, key in SHARES.items():
            about[name] = None if one[key] is None else round(100 * one[key], 2)
        about["contamination_source"] = one["source"]
    failed = {name: one for name, one in sorted(by_sample.items()) if one["problems"]}
    told = [f"{name}: {'; '.join(one['problems'])}" for name, one in failed.items()]
    print("\n".join(told) or "no sample has problems")
    if failed and on_failure == "stop":
        raise ValueError(f"{len(failed)} samples fail (qc.on_failure is stop):\n" + "\n".join(told))
    patients = {one["patient_id"] for one in failed.values()} if on_failure == "quarantine" else set()
    for one in by_sample.values():
        one["status"] = "good"
        if one["patient_id"] in patients:
            one["status"] = "quarantined"
        elif one["problems"]:
            one["status"] = "doubtful"
    return patients


def main(
    *,
    qualities: Sequence[Path],
    identity: Path,
    germline: Sequence[Path],
    somatic: Sequence[Path],
    features: Path,
    quality: Path,
    driver_genes: Sequence[str],
    on_failure: str,
) -> None:
    """Write both tables, patients and samples in ascending order.

    Parameters
    ----------
    qualities
        JSON of every sample.
    identity
        Result of `check_identity`.
    germline, somatic
        VCF of every normal and tumour, named `<sample>.vcf.gz`.
    features, quality
        Tables to write, columns `FEATURES` and `SAMPLE_COLUMNS`. Features of a tumour are empty where there is none.
    driver_genes
        Genes whose protein-changing somatic variants count as drivers.
    on_failure
        "stop", "quarantine" or "report": what a sample with problems does. A patient in quarantine keeps a row, empty.
    """
    by_sample = {one["sample"]: one for one in (json.loads(path.read_text(encoding="utf-8")) for path in qualities)}
    quarantined = judge_samples(by_sample, json.loads(identity.read_text(encoding="utf-8")), on_failure)
    patients: dict[str, dict[str, Any]] = {}
    for path in germline:
        about = by_sample[path.name.removesuffix(".vcf.gz")]
        kinds = [variant.kind for variant in read_variants(path)]
        patients.setdefault(about["patient_id"], {}).update(
            {
                "germline_snv_count": kinds.count("snv"),
                "germline_indel_count": kinds.count("indel"),
                "germline_ts_tv": empty_if_none(about["germline_ts_tv"]),
                "normal_mean_coverage": about["coverage"].get("mean", 0.0),
                "estimated_sex": about["estimated_sex"],
            }
        )
    for path in somatic:
        about = by_sample[path.name.removesuffix(".vcf.gz")]
        patients.setdefault(about["patient_id"], {}).update(
            {
                **somatic_features(path, driver_genes),
                "tumour_mean_coverage": about["coverage"].get("mean", 0.0),
                "tumour_normal_concordance": empty_if_none((about["identity"] or {}).get("concordance")),
            }
        )
    patients |= {name: {} for name in quarantined}
    write_rows(features, FEATURES, [{"patient_id": name, **patients[name]} for name in sorted(patients)])
    write_rows(quality, SAMPLE_COLUMNS, [sample_row(by_sample[name]) for name in sorted(by_sample)])


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            qualities=[Path(path) for path in snakemake.input.quality],
            germline=[Path(path) for path in snakemake.input.germline],
            somatic=[Path(path) for path in snakemake.input.somatic],
            features=Path(snakemake.output.features),
            quality=Path(snakemake.output.quality),
            identity=Path(snakemake.input.identity),
            driver_genes=snakemake.params.driver_genes,
            on_failure=snakemake.params.on_failure,
        )
