"""List what was sequenced: the sample sheet of the genomics workflow, and all planted variants in two tables."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from kimedlib.atomic import atomic_path
from kimedlib.genomics_files import open_variants
from kimedlib.logs import log_to

SHEET_COLUMNS = ("sample", "patient_id", "role", "sex", "family_id", "fastq_1", "fastq_2", "truth_vcf", "truth_bed")
TRUTH_COLUMNS = (
    "patient_id",
    "contig",
    "position",
    "reference",
    "other",
    "genotype",
    "fraction",
    "in_targets",
    "driver",
)


def planted(
    paths: Sequence[Path], targets: Sequence[tuple[str, int, int]], drivers: set[tuple[str, ...]]
) -> Iterator[tuple[object, ...]]:
    """Rows of `TRUTH_COLUMNS` for all variants of some truth VCFs; positions are 1-based as in VCF."""
    for path in paths:
        with open_variants(path) as records:
            patient = records.header.samples[0].rsplit("_", 1)[0]
            for record in records:
                call = record.samples[0]
                inside = any(c == record.contig and start <= record.start < end for c, start, end in targets)
                place = (record.contig, str(record.start), record.ref, record.alts[0])
                genotype = "|".join(map(str, call["GT"]))
                yield (
                    patient, record.contig, record.pos, record.ref, record.alts[0], genotype,
                    round(call["AF"][0], 4), int(inside), int(place in drivers),
                )  # fmt: skip


def main(
    *,
    plan: Path,
    targets: Path,
    driver: Path,
    reads: Sequence[Path],
    truths: Sequence[Path],
    sheet: Path,
    germline: Path,
    somatic: Path,
) -> None:
    """Write the sheet (one row per sample) and the truth tables.

    Parameters
    ----------
    plan, targets, driver
        Outputs of `plan_cohort` and `simulate_reference`.
    reads
        FASTQ files, both of a sample in turn, named `<patient>_<role>_R<1|2>.fastq.gz`.
    truths
        VCF of each sample, in the same order.
    sheet, germline, somatic
        Tables to write.
    """
    with plan.open(encoding="utf-8", newline="") as handle:
        patients = {row["patient_id"]: row for row in csv.DictReader(handle, delimiter="\t")}
    with driver.open(encoding="utf-8", newline="") as handle:
        drivers = {tuple(row[:4]) for row in list(csv.reader(handle, delimiter="\t"))[1:]}
    panel = [(row[0], int(row[1]), int(row[2])) for row in map(str.split, targets.read_text().splitlines())]
    rows = []
    for first, second, truth in zip(reads[0::2], reads[1::2], truths, strict=True):
        sample = first.name.removesuffix("_R1.fastq.gz")
        patient, role = sample.rsplit("_", 1)
        known = patients[patient]
        rows.append((sample, patient, role, known["sex"], known["family_id"], first, second, truth, targets))
    tumours = [truth for truth, row in zip(truths, rows, strict=True) if row[2] == "tumour"]
    normals = [truth for truth, row in zip(truths, rows, strict=True) if row[2] == "normal"]
    for path, header, lines in (
        (sheet, SHEET_COLUMNS, rows),
        (germline, TRUTH_COLUMNS, planted(normals, panel, drivers)),
        (somatic, TRUTH_COLUMNS, planted(tumours, panel, drivers)),
    ):
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
            writer.writerow(header)
            writer.writerows(lines)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            plan=Path(snakemake.input.plan),
            targets=Path(snakemake.input.targets),
            driver=Path(snakemake.input.driver),
            reads=[Path(path) for path in snakemake.input.reads],
            truths=[Path(path) for path in snakemake.input.truths],
            sheet=Path(snakemake.output.sheet),
            germline=Path(snakemake.output.germline),
            somatic=Path(snakemake.output.somatic),
        )
