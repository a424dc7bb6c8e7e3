"""Reads, lists of barcodes and references of single cells, as far as they can be judged before a job starts."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kimedlib.check_genomics_reads import Look, look_into_fastq
from kimedlib.check_genomics_references import READING, reference_contigs, unreadable
from kimedlib.check_singlecell_chemistry import chemistry_problems, first_reads
from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_chemistry import Bytes, chemistry_of, read_whitelist
from kimedlib.singlecell_engines import COMMANDS, lanes
from kimedlib.singlecell_transcripts import misfits, read_transcripts

Row = Mapping[str, str]
GTF_LINES = 200_000  # of a gene model that are looked at; the job that reads it looks at all
T2G_SHOWN = 3
COPY_AGAIN = "copy it again from its source and compare checksums"
COLUMNS = ("reads1", "reads2", "chemistry")


def config_problems(settings: Mapping[str, Any], conda: bool) -> Iterator[Problem]:
    """What is missing or too much in section `reads` of the config, and an engine that is not there."""
    engine = settings["engine"]
    given = [key for key in ("genome", "gene_model", "index", "t2g") if settings.get(key)]
    ready = ["index"] if engine == "starsolo" else ["index", "t2g"]
    if given not in (["genome", "gene_model"], ready):
        found = f"has {', '.join(given) or 'no reference'}"
        remedy = f"give genome and gene_model (FASTA and GTF), or a ready {' and '.join(ready)}"
        yield Problem("config", "key reads", found, remedy)
    command = COMMANDS[engine]
    if not conda and not shutil.which(command):
        remedy = "use engine kb, which `make setup` brings, install it, or run with --software-deployment-method conda"
        yield Problem("config", "key reads.engine", f"{engine} needs the command {command}, which is not there", remedy)
    for key in given:
        path = Path(settings[key])
        wrong = None if key == "index" and path.is_dir() and any(path.iterdir()) else unreadable(str(path))
        if wrong:
            yield Problem("config", f"key reads.{key}", *wrong)
    if own := settings.get("custom"):
        (first, last), (begin, end) = own["barcode"], own["umi"]
        if not (first < last and begin < end and (last <= begin or end <= first)):
            found = f"barcode {own['barcode']} and UMI {own['umi']} are empty or overlap"
            yield Problem("config", "key reads.custom", found, "give start and end of each, counted from 0")


def reference_problems(settings: Mapping[str, Any]) -> list[Problem]:
    """Genome and gene model that cannot be read or do not fit, or a table of genes that is none."""
    if settings.get("t2g"):
        return [] if unreadable(settings["t2g"]) else t2g_problems(Path(settings["t2g"]))
    genome, model = settings.get("genome"), settings.get("gene_model")
    if not genome or not model or unreadable(genome) or unreadable(model):
        return []  # others say it
    problems, contigs, transcripts = [], None, None
    try:
        contigs = reference_contigs(genome)
    except (*READING, ValueError) as error:
        problems.append(Problem(genome, "", f"is damaged or no FASTA ({str(error)[:160]})", COPY_AGAIN))
    try:
        transcripts = read_transcripts(Path(model), GTF_LINES)
    except InputProblems as wrong:
        problems += wrong.problems
    except READING as error:
        problems.append(Problem(model, "", f"is damaged or no GTF ({str(error)[:120]})", COPY_AGAIN))
    return problems + (misfits(transcripts, contigs, Path(genome), Path(model)) if contigs and transcripts else [])


def t2g_problems(path: Path) -> list[Problem]:
    """A table of transcripts that lacks columns or names a transcript twice for different genes."""
    genes: dict[str, str] = {}
    problems = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except READING as error:
        return [Problem(str(path), "", f"is no text ({str(error)[:80]})", "give the t2g.txt that `kb ref` writes")]
    for number, line in enumerate(lines, 1):
        cells = line.split("\t")
        if len(cells) < 2 or not cells[0] or not cells[1]:
            found = f"'{line[:60]}' has no transcript and gene, separated by a tab"
            problems.append(Problem(str(path), f"line {number}", found, "give the t2g.txt that `kb ref` writes"))
        elif genes.setdefault(cells[0], cells[1]) != cells[1]:
            found = f"transcript '{cells[0]}' belongs to '{genes[cells[0]]}' and to '{cells[1]}'"
            problems.append(Problem(str(path), f"line {number}", found, "keep one line for each transcript"))
        if len(problems) == T2G_SHOWN:
            break
    return problems if lines else [Problem(str(path), "", "is empty", "give the t2g.txt that `kb ref` writes")]


def whitelists(settings: Mapping[str, Any]) -> tuple[dict[str, Bytes], list[Problem]]:
    """Barcodes by chemistry, and what is wrong with the lists."""
    found: dict[str, Bytes] = {}
    problems = []
    for name, path in settings.get("whitelists", {}).items():
        try:
            chemistry = chemistry_of(name, settings)
        except KeyError:
            remedy = "name chemistries as in the sheet"
            problems.append(Problem("config", "key reads.whitelists", f"no chemistry '{name}' is known", remedy))
            continue
        if wrong := unreadable(path):
            problems.append(Problem("config", f"key reads.whitelists.{name}", *wrong))
            continue
        try:
            barcodes = read_whitelist(Path(path))
        except InputProblems as wrong_list:
            problems += wrong_list.problems
        except READING as error:
            found_damage = f"is damaged or no text ({str(error)[:120]})"
            problems.append(Problem(path, "", found_damage, "copy it again from its source"))
        else:
            if barcodes.dtype.itemsize != chemistry.width:
                text = f"barcodes have {barcodes.dtype.itemsize} bases, those of {name} have {chemistry.width}"
                problems.append(Problem(path, "", text, "give the list of that chemistry"))
            else:
                found[name] = np.sort(barcodes)
    return found, problems


def row_problems(sheet: str, line: int, row: Row, settings: Mapping[str, Any]) -> Iterator[Problem]:
    """A line that gives neither or both, or not all that counting needs."""
    place = f"line {line}"
    given = [name for name in COLUMNS if row.get(name)]
    if given and row.get("counts"):
        yield Problem(sheet, place, f"gives counts and {', '.join(given)}", "give counts, or reads1, reads2, chemistry")
    elif given != list(COLUMNS):
        found = f"gives {', '.join(given) or 'neither counts nor reads'}"
        yield Problem(sheet, place, found, "give counts, or all of reads1, reads2 and chemistry")
    elif not settings:
        yield Problem("config", "key reads", "is missing; the sheet gives reads", "see config/reads/singlecell.yaml")
    elif row["chemistry"] == "custom" and "custom" not in settings:
        remedy = "say where barcode and UMI stand"
        yield Problem("config", "key reads.custom", f"is missing, and {sheet}, {place} names it", remedy)
    elif row["chemistry"].startswith("10x") and row["chemistry"] not in settings.get("whitelists", {}):
        found = f"has no {row['chemistry']}, which {sheet}, {place} names"
        remedy = "give the list of its barcodes (in Cell Ranger: lib/python/cellranger/barcodes/)"
        yield Problem("config", "key reads.whitelists", found, remedy)


def look_at(rows: Sequence[tuple[int, Row]], sheet: str) -> tuple[dict[str, Look], list[Problem]]:
    """What each FASTQ file shows, and those that are damaged or stand twice."""
    looks: dict[str, Look] = {}
    problems: list[Problem] = []
    paths: dict[str, str] = {}
    starts: dict[tuple[object, ...], str] = {}
    remedy = "give every lane and sample its own reads"
    for line, row in rows:
        for column in ("reads1", "reads2"):
            place = f"line {line}, column {column}"
            for path in lanes(row[column]):
                real = os.path.realpath(path)
                if real in paths:
                    problems.append(Problem(sheet, place, f"{path} stands already in {paths[real]}", remedy))
                    continue
                paths[real] = place
                look = unreadable(path) or look_into_fastq(path)
                if not isinstance(look, Look):
                    problems.append(Problem(sheet, place, *look))
                    continue
                looks[path] = look
                start = (column, look.name, *first_reads(Path(path), 20))
                if start in starts:
                    problems.append(Problem(sheet, place, f"{path} holds the same reads as {starts[start]}", remedy))
                starts.setdefault(start, path)
    return looks, problems


def mate_problems(sheet: str, line: int, row: Row, looks: Mapping[str, Look]) -> Iterator[Problem]:
    """Lanes of one line whose two files do not belong together."""
    place = f"line {line}"
    first, second = lanes(row["reads1"]), lanes(row["reads2"])
    if len(first) != len(second):
        found = f"reads1 names {len(first)} files, reads2 {len(second)}"
        yield Problem(sheet, place, found, "give both reads of every lane, lanes in the same order")
        return
    for one, two in zip(first, second, strict=True):
        if one not in looks or two not in looks:
            continue
        if looks[one].name != looks[two].name:
            found = f"the first reads of {one} and {two} are not mates: '{looks[one].name}' and '{looks[two].name}'"
            yield Problem(sheet, place, found, "give two files of the same lane, lanes in the same order")
        elif (looks[one].end, looks[two].end) == ("2", "1"):
            found = f"{one} says that it holds the second reads, {two} the first: the mates are exchanged"
            yield Problem(sheet, place, found, "exchange reads1 and reads2")
        if None not in (looks[one].number, looks[two].number) and looks[one].number != looks[two].number:
            found = f"{one} holds {looks[one].number} reads, {two} {looks[two].number}"
            yield Problem(sheet, place, found, "one of the files is incomplete: copy both again")


def check_reads(rows: Sequence[tuple[int, Row]], sheet: str, settings: Mapping[str, Any], conda: bool) -> list[Problem]:
    """Everything wrong with samples that are given as reads, and with section `reads` of the config.

    Parameters
    ----------
    rows
        Lines of the sheet that give no counts, with their numbers.
    settings
        Section `reads`; empty if there is none.
    conda
        Whether programmes come from conda and need not be here.
    """
    problems = [problem for line, row in rows for problem in row_problems(sheet, line, row, settings)]
    usable = [(line, row) for line, row in rows if all(row.get(name) for name in COLUMNS)]
    lists: dict[str, Bytes] = {}
    if settings:
        problems += [*config_problems(settings, conda), *reference_problems(settings)]
        lists, wrong = whitelists(settings)
        problems += wrong
    looks, wrong = look_at(usable, sheet)
    problems += wrong
    for line, row in usable:
        mates = list(mate_problems(sheet, line, row, looks))
        problems += mates
        if row["chemistry"] == "custom" and "custom" not in settings:
            continue
        pairs = zip(lanes(row["reads1"]), lanes(row["reads2"]), strict=False)
        sound = [pair for pair in pairs if set(pair) <= set(looks)]
        if sound and not any("exchanged" in problem.found for problem in mates):
            one, two = map(Path, sound[0])
            chemistry = chemistry_of(row["chemistry"], settings)
            problems += chemistry_problems((sheet, f"line {line}"), one, two, chemistry, lists)
    return list(dict.fromkeys(problems))
