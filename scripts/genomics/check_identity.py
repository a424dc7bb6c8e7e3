"""Compare all samples of a cohort: who is related to whom, who is swapped, who is contaminated."""

import csv
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_contamination import (
    MINIMUM_DEPTH,
    Contamination,
    certain_prior,
    contamination,
    genotype_prior,
    site_errors,
)
from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.genomics_identity import (
    Likeness,
    genotypes,
    identity_problems,
    likeness,
    other_frequencies,
    parent_log_odds,
    parentage,
)
from kimedlib.genomics_sites import (
    FEW_SITES,
    SampleReads,
    Site,
    on_x,
    polymorphic_sites,
    sample_reads,
    sites_beside_targets,
)
from kimedlib.logs import log_to

Pairs = dict[frozenset[str], Likeness]
COLUMNS = ["sample_1", "sample_2", "patient_1", "patient_2", "sites", "equal_share", "kinship", "relation"]


@dataclass(frozen=True)
class Cohort:
    """What all samples show at the same sites.

    Attributes
    ----------
    sites
        Contig, position, reference and other base.
    reads
        Fragments per allele and errors, by sample.
    normals
        Normal sample by patient.
    """

    sites: Sequence[Site]
    reads: Mapping[str, SampleReads]
    normals: Mapping[str, str]

    @cached_property
    def shown(self) -> dict[str, np.ndarray]:
        """Genotypes of the sites by sample."""
        return {name: genotypes(one.counts) for name, one in self.reads.items()}

    @cached_property
    def autosomal(self) -> np.ndarray:
        """Which sites everybody has two copies of."""
        return ~on_x(self.sites)

    def copies(self, sample: str, source: str) -> np.ndarray:
        """Copies of each site in `source` over those in the sample, which differ on X of men and women."""
        return np.where(self.autosomal, 1.0, self.x_copies(source) / self.x_copies(sample))

    def x_copies(self, sample: str) -> float:
        """Depth of X over that of the autosomes, or 1 where it tells nothing."""
        depth = self.reads[sample].counts.sum(axis=1)
        if depth[~self.autosomal].sum() < MINIMUM_DEPTH or not depth[self.autosomal].any():
            return 1.0
        return float(np.clip(depth[~self.autosomal].mean() / depth[self.autosomal].mean(), 0.25, 2))


class Mixed(NamedTuple):
    """Foreign reads of a sample: their share, None if unknown; whose they seem to be, or ""; whether it is certain."""

    found: Contamination | None
    source: str = ""
    certain: bool = False


def mixed_reads(cohort: Cohort, sample: Mapping[str, str]) -> Mixed:
    """Look for foreign reads: of an unknown person, and of every other patient.

    Known genotypes tell more than frequencies: a share that these leave open may be certain for one source. With many
    sites frequencies tell enough, and sources are tried to name one only.
    """
    name, patient, normals = sample["sample"], sample["patient_id"], cohort.normals
    frequencies = other_frequencies({one: cohort.shown[normal] for one, normal in normals.items()}, patient)
    if frequencies is None or (sample["role"] == "tumour" and patient not in normals):
        return Mixed(None)
    counts, prior = cohort.reads[name].counts, genotype_prior(frequencies)
    own = prior
    if sample["role"] == "tumour":
        # losses change the balance at heterozygous sites: only where the normal is homozygous do reads tell
        genotype = cohort.shown[normals[patient]]
        own = certain_prior(genotype)
        counts = np.where(np.isin(genotype, (0, 2))[:, None], counts, 0)
    errors = site_errors(cohort.reads[name].errors, [site[2:] for site in cohort.sites])
    found = contamination(counts, own, prior, errors)
    if found is None:
        return Mixed(None)
    explanations = {"": found}
    tried = sorted(normals.items()) if found.sites < FEW_SITES or found.certain(1) else []
    for one, normal in tried:
        theirs = certain_prior(cohort.shown[normal])
        known = None if one == patient else contamination(counts, own, theirs, errors, cohort.copies(name, normal))
        if known:
            explanations[normal] = known
    source, best = max(explanations.items(), key=lambda item: item[1].log_odds)
    if best.certain(len(explanations)):
        return Mixed(best, source, True)
    return Mixed(found)


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
    mixed: Mixed,
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
        "contamination_low": round(known.low, 4) if known else None,
        "contamination_high": round(known.high, 4) if known else None,
        "certain": bool(known and certain),
        "source": source if known else "",
        "sites": known.sites if known else 0,
    }


def main(
    *,
    alignments: Sequence[Path],
    germline: Sequence[Path],
    reference: Path,
    targets: Path | None,
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
    targets
        BED file to which the variants are limited; None for none.
    samples
        sample, patient_id, role, family_id, father_id and mother_id of the sheet; a patient has at most one normal.
    identity, pairs
        Files to write.
    settings
        Section `qc` of the config.
    """
    normals = {sample["patient_id"]: sample["sample"] for sample in samples if sample["role"] == "normal"}
    patients = {sample["sample"]: sample["patient_id"] for sample in samples}
    with ExitStack() as opened:
        fasta = opened.enter_context(pysam.FastaFile(str(reference)))
        files = {
            sample["sample"]: opened.enter_context(pysam.AlignmentFile(str(path), reference_filename=str(reference)))
            for path, sample in zip(alignments, samples, strict=True)
        }
        sites = polymorphic_sites(read_variants(path) for path in germline)
        if targets and len(sites) < FEW_SITES:
            people = [files[normal] for normal in normals.values()]
            sites = sorted(sites + sites_beside_targets(people, fasta, read_bed(targets), sites))
        cohort = Cohort(sites, {name: sample_reads(one, fasta, sites) for name, one in files.items()}, normals)
    shown = {name: one[cohort.autosomal] for name, one in cohort.shown.items()}
    alike = {frozenset(pair): likeness(shown[pair[0]], shown[pair[1]]) for pair in combinations(sorted(shown), 2)}
    rows = []
    for sample in samples:
        row = judged(sample, samples, alike, mixed_reads(cohort, sample), normals)
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
            targets=Path(snakemake.input.targets) if snakemake.input.targets else None,
            samples=snakemake.params.samples,
            identity=Path(snakemake.output.identity),
            pairs=Path(snakemake.output.pairs),
            settings=snakemake.params.settings,
        )
