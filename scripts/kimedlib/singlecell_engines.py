"""What the counting programmes are told: layout of the reads, sizes, files of each sample."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kimedlib.opening import ZIPPED
from kimedlib.singlecell_chemistry import Chemistry, chemistry_of

# Command that a machine without conda must have, by engine.
COMMANDS = {"kb": "kallisto", "starsolo": "STAR", "simpleaf": "simpleaf"}
OWN_INDEX = {"kb": "transcripts.idx", "starsolo": "star", "simpleaf": "simpleaf"}
UNPACKED = 4  # size of a genome in bytes by that of its gzip file


@dataclass(frozen=True)
class Reads:
    """Lanes, chemistry and list of barcodes of one sample; `whitelist` is empty where there is none."""

    reads1: list[str]
    reads2: list[str]
    chemistry: Chemistry
    whitelist: list[str]


def lanes(cell: str) -> list[str]:
    """Files of a cell of the sheet, which separates lanes by semicolons."""
    return [name.strip() for name in cell.split(";") if name.strip()]


def reads_of(rows: Sequence[Mapping[str, str]], settings: Mapping[str, Any]) -> dict[str, Reads]:
    """Samples of the sheet that are given as reads, by name; `settings` is section `reads` of the config."""
    lists = settings.get("whitelists", {})
    return {
        row["sample"]: Reads(
            lanes(row["reads1"]),
            lanes(row["reads2"]),
            chemistry_of(row["chemistry"], settings),
            [lists[row["chemistry"]]] if row["chemistry"] in lists else [],
        )
        for row in rows
        if row.get("reads1")
    }


def index_of(settings: Mapping[str, Any]) -> str:
    """The index that counting uses: the config's, or the one that the workflow builds."""
    return str(settings.get("index") or f"<results>/reads/{OWN_INDEX[settings['engine']]}")


def genome_megabytes(settings: Mapping[str, Any]) -> int:
    """Size of the genome in MB (million bases), from which memory is reckoned; of a ready index, what stands for it."""
    genome = settings.get("genome")
    if genome:
        with Path(genome).open("rb") as handle:
            packed = handle.read(2) == ZIPPED
        return math.ceil(Path(genome).stat().st_size * (UNPACKED if packed else 1) / 1e6)
    index = Path(settings["index"])
    size = sum(path.stat().st_size for path in index.rglob("*")) if index.is_dir() else index.stat().st_size
    return math.ceil(size / 1e6 / (10 if settings["engine"] == "starsolo" else 1))


def kallisto_technology(chemistry: Chemistry) -> str:
    """Layout for `kallisto bus --technology`: file, start, end of barcode, UMI and cDNA."""
    (first, last), (begin, end) = chemistry.barcode, chemistry.umi
    return f"0,{first},{last}:0,{begin},{end}:1,0,0"


def kallisto_strand(chemistry: Chemistry) -> str:
    """Option for the strand."""
    return {"forward": "--fr-stranded", "reverse": "--rf-stranded", "unstranded": "--unstranded"}[chemistry.strand]


def starsolo_layout(chemistry: Chemistry) -> str:
    """Options for layout and strand; STAR counts from 1."""
    (first, last), (begin, end) = chemistry.barcode, chemistry.umi
    strand = {"forward": "Forward", "reverse": "Reverse", "unstranded": "Unstranded"}[chemistry.strand]
    return (
        f"--soloType CB_UMI_Simple --soloCBstart {first + 1} --soloCBlen {last - first} --soloUMIstart {begin + 1} "
        f"--soloUMIlen {end - begin} --soloBarcodeReadLength 0 --soloStrand {strand}"
    )


def star_word_length(megabytes: int) -> int:
    """`--genomeSAindexNbases` of the STAR manual: min(14, log2(genome length) / 2 - 1)."""
    return min(14, int(math.log2(max(megabytes, 1) * 1e6) / 2 - 1))


def simpleaf_geometry(chemistry: Chemistry) -> str:
    """Layout in simpleaf's language: b barcode, u UMI, x skipped bases, r cDNA."""
    place, text = 0, ""
    for letter, (start, end) in sorted((("b", chemistry.barcode), ("u", chemistry.umi)), key=lambda part: part[1]):
        text += (f"x[{start - place}]" if start > place else "") + f"{letter}[{end - start}]"
        place = end
    return f"1{{{text}x:}}2{{r:}}"


def simpleaf_strand(chemistry: Chemistry) -> str:
    """Option `--expected-ori`."""
    return {"forward": "fw", "reverse": "rc", "unstranded": "both"}[chemistry.strand]
