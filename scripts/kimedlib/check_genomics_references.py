"""Reference, gene model, regions and variants: of one build, with the same names, before any job starts."""

import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kimedlib.genomics_builds import known_build, other_length, unknown_contig
from kimedlib.genomics_manifest import Manifest, config_problems, file_problems, read_manifest, sequences
from kimedlib.opening import ZIPPED, open_text
from kimedlib.problems import InputProblems, Problem

REFERENCE_WHOLE = 200_000_000  # bytes up to which a reference without .fai and manifest is read for its contigs
COMPARED = 500  # records of a VCF whose reference bases are compared with the reference
AGAIN = "copy it again from its source and compare checksums"
GENE_NAME = re.compile("(?:ID|Name)=(?:gene:)?([^;\n]+)")
READING = (EOFError, OSError, zlib.error, UnicodeDecodeError)


@dataclass(frozen=True)
class Reference:
    """What is known of the reference before any job.

    Attributes
    ----------
    path
        The FASTA file.
    contigs
        Lengths by name; None if finding them would take long.
    checksums
        M5 by name, where a manifest tells them.
    """

    path: str
    contigs: dict[str, int] | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)

    @property
    def readable(self) -> bool:
        """Whether single bases can be read without writing an index beside the user's file."""
        with Path(self.path).open("rb") as handle:
            zipped = handle.read(2) == ZIPPED
        return Path(f"{self.path}.fai").is_file() and (not zipped or Path(f"{self.path}.gzi").is_file())


@dataclass
class Extent:
    """Where the records of a file lie.

    Attributes
    ----------
    last
        Largest position per contig, and the line that has it.
    declared
        Lengths that the file's header declares.
    """

    last: dict[str, tuple[int, int]] = field(default_factory=dict)
    declared: dict[str, int | None] = field(default_factory=dict)


def unreadable(path: str) -> tuple[str, str] | None:
    """What is wrong with a file before one looks inside, and the remedy."""
    file = Path(path)
    if not file.exists():
        return f"{path} does not exist", "correct the path; it is relative to the working directory"
    if not file.is_file():
        return f"{path} is not a file", "give a file"
    try:
        with file.open("rb") as handle:
            return None if handle.read(1) else (f"{path} is empty", "copy or sequence it again")
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}", "make it readable"


def reference_contigs(path: str) -> dict[str, int] | None:
    """Lengths of the reference's sequences by name; None if finding them would take long."""
    index = Path(f"{path}.fai")
    if index.is_file():
        rows = (line.split("\t") for line in index.read_text(encoding="utf-8").splitlines())
        return {row[0]: int(row[1]) for row in rows}
    if Path(path).stat().st_size > REFERENCE_WHOLE:
        return None
    return {one["name"]: one["length"] for one in sequences(path)}


def header_length(line: str) -> tuple[str, int | None] | None:
    """Contig and length that a header line of a VCF or GFF3 declares."""
    if line.startswith("##contig="):
        name, length = re.search(r"[<,]ID=([^,>]+)", line), re.search(r"[<,]length=(\d+)", line)
        return (name[1], int(length[1]) if length else None) if name else None
    if line.startswith("##sequence-region"):
        words = line.split()
        return (words[1], int(words[3])) if len(words) == 4 and words[3].isdigit() else None
    return None


def extent(path: str) -> Extent:
    """Where the lines of a BED, GFF3 or VCF file (plain or gzip) lie.

    Raises
    ------
    ValueError
        A line has no position where the format has one, or one that cannot be; the text names it.
    """
    found = Extent()
    suffix = Path(path.removesuffix(".gz")).suffix
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.startswith("##FASTA"):  # the bases that a GFF3 file may end with
                break
            if line.startswith("##") and (declared := header_length(line)):
                found.declared[declared[0]] = declared[1]
            if not line.strip() or line.startswith(("#", "track", "browser", ">")):
                continue
            cells = line.rstrip("\n").split("\t")
            try:
                if suffix == ".vcf":
                    first, last = int(cells[1]) - 1, int(cells[1]) + len(cells[3]) - 1
                elif suffix.startswith(".gff"):
                    first, last = int(cells[3]) - 1, int(cells[4])
                else:
                    first, last = int(cells[1]), int(cells[2])
            except (IndexError, ValueError):
                raise ValueError(f"line {number} has no position where the format has one") from None
            if suffix != ".vcf" and not 0 <= first < last:
                raise ValueError(f"line {number} ends before it begins, or begins before the contig")
            name = cells[0].strip()
            if last > found.last.get(name, (0, 0))[0]:
                found.last[name] = (last, number)
            found.last.setdefault(name, (last, number))
    return found


def different_bases(path: str, reference: str) -> tuple[int, int, str]:
    """Records of a VCF (the first `COMPARED`) whose REF is not what the reference has there.

    Returns
    -------
    tuple
        Number of such records, number compared, and the first of them in words.
    """
    import pysam  # here: every job reads the Snakefile, and few look into files

    wrong = compared = 0
    first = ""
    before = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(path) as records, closing(pysam.FastaFile(reference)) as fasta:
            for record in records:
                if compared == COMPARED:
                    break
                if record.contig not in fasta.references or record.stop > fasta.get_reference_length(record.contig):
                    continue
                compared += 1
                bases = fasta.fetch(record.contig, record.start, record.start + len(record.ref)).upper()
                if bases != record.ref.upper() and "N" not in bases:
                    wrong += 1
                    first = first or f"{record.contig}:{record.pos} has {record.ref[:20]}, the reference {bases[:20]}"
    finally:
        pysam.set_verbosity(before)
    return wrong, compared, first


def other_lengths(declared: Mapping[str, int | None], contigs: Mapping[str, int]) -> list[tuple[str, str]]:
    """What to say of contigs that a file declares with another length than the reference's, and the remedies."""
    given = {name: length for name, length in declared.items() if length and name in contigs}
    compared = (other_length(name, length, contigs, declared) for name, length in given.items())
    return [one for one in compared if one]


def check_variants(path: str, reference: Reference, declared: Mapping[str, int | None]) -> Iterator[tuple[str, str]]:
    """What is wrong with a VCF whose names fit: other lengths, or other bases than the reference has.

    Files for a whole build may be used with a part of it (a reference cut to a region): a length that differs is
    accepted where the reference bases of the records agree and no other build is meant.
    """
    contigs = reference.contigs or {}
    lengths = other_lengths(declared, contigs)
    theirs, ours = known_build(declared), known_build(contigs)
    if lengths and theirs and ours and theirs != ours:
        yield lengths[0]
        return
    if not reference.readable:
        if lengths:
            found, remedy = lengths[0]
            yield found, f"{remedy}; or index the reference (samtools faidx), so that bases can be compared"
        return
    wrong, compared, first = different_bases(path, reference.path)
    if wrong:
        yield (
            f"{wrong} of {compared} records have other reference bases than the reference: {first}",
            "give the file that was made for this build of the reference",
        )
    elif lengths and not compared:
        yield lengths[0]


def out_of_place(found: Extent, contigs: Mapping[str, int]) -> tuple[str, str] | None:
    """What to say of the first record that lies on no contig or behind its end, and the remedy."""
    unknown = sorted(found.last.keys() - contigs.keys())
    if unknown:
        return unknown_contig(unknown[0], contigs)
    for name, (last, line) in sorted(found.last.items()):
        if last > contigs[name]:
            length = other_length(name, last, contigs, found.declared)
            build = (length or ("", ""))[0].partition(": ")[2]
            text = f"reaches to {name}:{last} in line {line}, the reference ends at {contigs[name]} ({build})"
            return text, "give files of one build of the reference"
    return None


def misfits(path: str, found: Extent, reference: Reference) -> Iterator[tuple[str, str]]:
    """What in a file with records does not fit the reference, and the remedy."""
    contigs = reference.contigs or {}
    if not found.last:
        yield "holds no records", "leave the field empty or give a file with records"
    elif not contigs:
        return
    elif misplaced := out_of_place(found, contigs):
        yield misplaced
    elif Path(path.removesuffix(".gz")).suffix == ".vcf":
        yield from check_variants(path, reference, found.declared)
    else:
        yield from other_lengths(found.declared, contigs)[:1]


def check_annotations(file: str, place: str, path: str, reference: Reference) -> Iterator[Problem]:
    """Problems of a BED, GFF3 or VCF file, against the reference."""
    wrong = unreadable(path)
    if wrong:
        yield Problem(file, place, *wrong)
        return
    try:
        found = extent(path)
        texts = list(misfits(path, found, reference))
    except READING:
        texts = [("is damaged", AGAIN)]
    except ValueError as error:
        texts = [(f"cannot be read: {error}", "correct the line, or copy the file again from its source")]
    for text, remedy in texts:
        yield Problem(file, place, f"{path} {text}", remedy)


def check_manifest(
    config: Mapping[str, Any], contigs: Mapping[str, int] | None
) -> tuple[list[Problem], Manifest | None]:
    """Problems of the manifest that the config names, and what it declares; contigs are those of the reference."""
    try:
        manifest = read_manifest(config["references_manifest"])
    except InputProblems as problems:
        return list(problems.problems), None
    file = str(manifest.path)
    found = [*file_problems(manifest), *config_problems(manifest, config)]
    if contigs is not None and contigs != manifest.lengths:
        text = f"{config['reference']} has other sequences than the manifest declares"
        found.append(Problem(file, "contigs", text, "write the manifest anew from the files"))
    known = known_build(manifest.lengths)
    if known and known != manifest.build:
        text = f"the build is said to be {manifest.build}, the lengths are those of {known}"
        found.append(Problem(file, "build", text, "correct the build"))
    return found, manifest


def check_reference(config: Mapping[str, Any]) -> tuple[list[Problem], Reference]:
    """Problems of the reference and of its manifest, and what is known of the reference."""
    path = str(config["reference"])
    contigs: dict[str, int] | None = None
    wrong = unreadable(path)
    if not wrong:
        try:
            contigs = reference_contigs(path)
        except READING:
            wrong = f"{path} is damaged", "copy it again and compare checksums"
        except ValueError as error:
            wrong = str(error), "give a FASTA file"
    if not wrong and contigs is not None and not contigs:
        wrong = f"{path} holds no FASTA sequence", "give a FASTA file"
    if wrong:
        return [Problem("config", "key reference", *wrong)], Reference(path)
    if not config.get("references_manifest"):
        return [], Reference(path, contigs)
    problems, manifest = check_manifest(config, contigs)
    if manifest is None:
        return problems, Reference(path, contigs)
    return problems, Reference(path, manifest.lengths, manifest.checksums)


def check_config_files(config: Mapping[str, Any]) -> tuple[list[Problem], Reference]:
    """Problems of the files that the config names, and what is known of the reference."""
    problems, reference = check_reference(config)
    if not Path(reference.path).is_file() or (problems and reference.contigs is None):
        return problems, reference
    places = [(f"key {key}", str(config[key])) for key in ("targets", "gene_model") if config[key]]
    places += [
        (f"key known_sites[{number}].path", str(one["path"]))
        for number, one in enumerate(config.get("known_sites", ()))
    ]
    optional = ("panel_of_normals", "population_frequencies")
    somatic, tumour = config.get("somatic", {}), config.get("tumour", {})
    places += [(f"key somatic: {key}", somatic[key]) for key in optional if somatic.get(key)]
    for place, path in places:
        problems += check_annotations("config", place, path, reference)
    for key in ("driver_table", "signatures"):
        if tumour.get(key) and (wrong := unreadable(tumour[key])):
            problems.append(Problem("config", f"key tumour: {key}", *wrong))
    mitochondria = config.get("mitochondria", {}).get("contig")
    if mitochondria and reference.contigs is not None and mitochondria not in reference.contigs:
        text, remedy = unknown_contig(mitochondria, reference.contigs)
        problems.append(Problem("config", "key mitochondria: contig", text, remedy))
    return [*problems, *check_region(config, reference), *check_drivers(config)], reference


def check_region(config: Mapping[str, Any], reference: Reference) -> Iterator[Problem]:
    """Problems of a region that is nowhere, or has no target."""
    contigs, (name, _, span) = reference.contigs, config["region"].partition(":")
    if not name or contigs is None:
        return
    if name not in contigs:
        text, remedy = unknown_contig(name, contigs)
        yield Problem("config", "key region", f"the region {text}", remedy)
        return
    first, last = (int(part) for part in span.split("-")) if span else (1, contigs[name])
    if not 1 <= first <= min(last, contigs[name]):
        found = f"the region {config['region']} holds no base: '{name}' has the bases 1 to {contigs[name]}"
        yield Problem("config", "key region", found, "give contig:first-last, counted from 1")
    elif config["targets"] and Path(config["targets"]).is_file():
        from kimedlib.genomics_files import called_intervals  # here: it imports pysam, which takes long

        try:
            within = called_intervals(contigs, Path(config["targets"]), config["region"])
        except (*READING, ValueError, IndexError):
            return  # told already
        if not within:
            found = f"no target of {config['targets']} lies in {config['region']}"
            yield Problem("config", "key region", found, "give targets and region that overlap, or leave one empty")


def check_drivers(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Driver genes that the gene model lacks: none of their mutations would be told."""
    missing = set(config.get("driver_genes", ()))
    path = config["gene_model"]
    if not missing or not path:
        return
    try:
        with open_text(path) as lines:
            for line in lines:
                cells = line.split("\t")
                if len(cells) > 8 and cells[2].endswith("gene"):
                    missing -= set(GENE_NAME.findall(cells[8]))
    except READING:
        return  # told already
    if missing:
        found = f"{path} has no gene {', '.join(sorted(missing))}"
        yield Problem("config", "key driver_genes", found, "write names as the gene model does, or leave them out")
