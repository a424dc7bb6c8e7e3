"""Compare all samples of a cohort: who is related to whom, who is swapped, who is contaminated."""

import csv
import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_files import read_variants
from kimedlib.genomics_identity import (
    Contamination,
    Likeness,
    allele_counts,
    certain_of_many,
    certain_prior,
    contamination,
    genotype_prior,
    genotypes,
    identity_problems,
    likeness,
    other_frequencies,
    parent_log_odds,
    parentage,
    polymorphic_sites,
)
from kimedlib.logs import log_to

Pairs = dict[frozenset[str], Likeness]
COLUMNS = ["sample_1", "sample_2", "patient_1", "patient_2", "sites", "equal_share", "kinship", "relation"]


def likely_source(
    reads: np.ndarray, shown: Mapping[str, np.ndarray], patient: str, own: np.ndarray, normals: Mapping[str, str]
) -> tuple[Contamination | None, str]:
    """The other patient's normal whose genotypes explain the foreign reads best; (None, "") if that may be chance.

    Known genotypes tell more than frequencies: a share that the frequencies leave open may be certain for one source.
    """
    others = [normal for other, normal in sorted(normals.items()) if other != patient]
    tried = [(contamination(reads, own, certain_prior(shown[normal])), normal) for normal in others]
    best: Contamination | None = None
    name = ""
    for found, normal in tried:
        if found and (best is None or found.log_odds > best.log_odds):
            best, name = found, normal
    return (best, name) if best and certain_of_many(best.log_odds, len(tried)) else (None, "")


def mixed_reads(
    sample: Mapping[str, str],
    counts: Mapping[str, np.ndarray],
    shown: Mapping[str, np.ndarray],
    normals: Mapping[str, str],
) -> tuple[Contamination | None, str, bool]:
    """Share of foreign reads, whose they seem to be, and whether it is certain; (None, "", False) if unknown."""
    patient = sample["patient_id"]
    frequencies = other_frequencies({name: shown[normal] for name, normal in normals.items()}, patient)
    if frequencies is None:
        return None, "", False
    prior = genotype_prior(frequencies)
    own, reads = prior, counts[sample["sample"]]
    usable = np.ones(len(reads), dtype=bool)
    if sample["role"] == "tumour" and patient not in normals:
        return None, "", False
    if sample["role"] == "tumour":
        # losses change the balance at heterozygous sites: only where the normal is homozygous do reads tell
        usable = np.isin(shown[normals[patient]], (0, 2))
        own = certain_prior(shown[normals[patient]])
    reads = np.where(usable[:, None], reads, 0)
    found = contamination(reads, own, prior)
    known, source = likely_source(reads, shown, patient, own, normals)
    if known:
        return known, source, True
    return found, "", bool(found and found.certain)


def known_parents(
    sample: Mapping[str, str], shown: Mapping[str, np.ndarray], normals: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """What the genotypes say about the parents that the sheet names: relation, to patient and verdict."""
    people = {patient: shown[normal] for patient, normal in normals.items()}
    found = {}
    for relation in ("father", "mother"):
        parent, child = sample.get(f"{relation}_id", ""), sample["patient_id"]
        if not parent or sample["role"] == "tumour":
            continue
        # of a patient without a normal sample nothing is said
        frequencies = other_frequencies(people, child, parent) if {child, parent} <= people.keys() else None
        odds = 0.0 if frequencies is None else parent_log_odds(people[child], people[parent], frequencies)
        found[relation] = (parent, parentage(odds))
    return found


def judged(
    sample: Mapping[str, str],
    samples: Sequence[Mapping[str, str]],
    alike: Pairs,
    mixed: tuple[Contamination | None, str, bool],
    normals: Mapping[str, str],
) -> dict[str, Any]:
    """What is known about one sample."""
    name, patient = sample["sample"], sample["patient_id"]

    def related(other: str) -> str:
        return alike[frozenset((name, other))].relation

    own = related(normals[patient]) if sample["role"] == "tumour" and patient in normals else ""
    same = [
        other["sample"]
        for other in samples
        if other["patient_id"] != patient
        and not (sample["family_id"] and sample["family_id"] == other["family_id"])  # may be twins
        and related(other["sample"]) == "same person"
    ]
    found, source, certain = mixed
    stranger = own not in {"", "same person", "not determinable"}
    known = None if stranger else found
    return {
        "sample": name,
        "patient_id": patient,
        "role": sample["role"],
        "own_normal": own,
        "same_person": sorted(same),
        "contamination": round(known.share, 4) if known else None,
        "certain": bool(known and certain),
        "source": source if known else "",
        "sites": known.sites if known else 0,
    }


def main(
    *,
    alignments: Sequence[Path],
    germline: Sequence[Path],
    reference: Path,
    samples: Sequence[Mapping[str, str]],
    identity: Path,
    pairs: Path,
    settings: Mapping[str, Any],
) -> None:
    """Write a JSON list with one object per sample, and a table with one row per pair of samples.

    Parameters
    ----------
    alignments
        CRAM of every sample, in the order of `samples`.
    germline
        Variants of all normals.
    reference
        Reference of the CRAM files.
    samples
        sample, patient_id, role, family_id, father_id and mother_id of the sheet; a patient has at most one normal.
    identity, pairs
        Files to write.
    settings
        Section `qc` of the config.
    """
    sites = polymorphic_sites(read_variants(path) for path in germline)
    counts: dict[str, np.ndarray] = {}
    for path, sample in zip(alignments, samples, strict=True):
        with pysam.AlignmentFile(str(path), reference_filename=str(reference)) as reads:
            counts[sample["sample"]] = allele_counts(reads, sites)
    shown = {name: genotypes(one) for name, one in counts.items()}
    normals = {sample["patient_id"]: sample["sample"] for sample in samples if sample["role"] == "normal"}
    patients = {sample["sample"]: sample["patient_id"] for sample in samples}
    alike = {frozenset(pair): likeness(shown[pair[0]], shown[pair[1]]) for pair in combinations(sorted(shown), 2)}
    rows = []
    for sample in samples:
        row = judged(sample, samples, alike, mixed_reads(sample, counts, shown, normals), normals)
        row["parents"] = known_parents(sample, shown, normals)
        rows.append({**row, "problems": identity_problems(row, settings)})
    table = []
    for one, two in combinations(sorted(shown), 2):
        pair = alike[frozenset((one, two))]
        rounded = "" if pair.kinship is None else round(pair.kinship, 4)
        table.append((one, two, patients[one], patients[two], pair.sites, round(pair.equal, 4), rounded, pair.relation))
    with atomic_path(identity) as temporary:
        temporary.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    with atomic_path(pairs) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerows([COLUMNS, *table])


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            alignments=[Path(path) for path in snakemake.input.alignments],
            germline=[Path(path) for path in snakemake.input.germline],
            reference=Path(snakemake.input.reference),
            samples=snakemake.params.samples,
            identity=Path(snakemake.output.identity),
            pairs=Path(snakemake.output.pairs),
            settings=snakemake.params.settings,
        )
