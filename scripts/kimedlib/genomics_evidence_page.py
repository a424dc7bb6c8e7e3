"""Reads around variants as igv.js shows them, packed so that a page needs nothing but itself.

A session of igv.js (MIT licence) holds a piece of the reference and of each sample's alignments as data URIs, as
igv-reports makes them; made here, because its slices hold time stamps and the names of temporary files.
"""

import base64
import gzip
import importlib.util
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pysam

LIBRARY = Path("js") / "igv.min.js"
PAD = 500  # reference bases beyond what is shown, under reads that reach out
UNUSED = pysam.FUNMAP | pysam.FSECONDARY | pysam.FQCFAIL | pysam.FDUP
TRACK_HEIGHT = 260
# What a page may do: run its own scripts, show data of its own; nothing is fetched from anywhere
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; connect-src data: blob:"
)


class Place(NamedTuple):
    """Where a variant is (1-based), and how many reference bases it changes."""

    contig: str
    position: int
    length: int


def igv_library() -> str:
    """igv.js, from the package that carries it.

    Raises
    ------
    ValueError
        The package is not there, or holds no igv.js.
    """
    found = importlib.util.find_spec("igv_notebook")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places or not (Path(places[0]) / LIBRARY).is_file():
        raise ValueError("igv.js is missing: install the package igv-notebook as the environment file pins it")
    return (Path(places[0]) / LIBRARY).read_text(encoding="utf-8")


def data_uri(content: bytes) -> str:
    """Content as gzip in a data URI, the same bytes every time."""
    packed = content if content[:2] == b"\x1f\x8b" else gzip.compress(content, mtime=0)
    return f"data:application/gzip;base64,{base64.b64encode(packed).decode('ascii')}"


def alignment_slice(alignments: pysam.AlignmentFile, contig: str, start: int, end: int) -> bytes:
    """Usable reads that overlap [start, end) as a BAM file of one contig, without tags."""
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": contig, "LN": alignments.get_reference_length(contig)}],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slice.bam"
        with pysam.AlignmentFile(str(path), "wb", header=header) as sink:
            for read in alignments.fetch(contig, start, end):
                if read.flag & UNUSED:
                    continue
                fields = read.to_dict()
                fields["tags"] = []
                if fields["next_ref_name"] not in {"=", "*", contig}:
                    fields |= {"next_ref_name": "*", "next_ref_pos": "0"}
                sink.write(pysam.AlignedSegment.from_dict(fields, header))
        return path.read_bytes()


def session(
    fasta: pysam.FastaFile, samples: Sequence[tuple[str, pysam.AlignmentFile]], place: Place, flank: int
) -> dict[str, Any]:
    """Session of igv.js around a variant.

    Parameters
    ----------
    fasta
        Reference.
    samples
        Name and alignments of each track.
    place
        The variant.
    flank
        Bases shown on both sides.
    """
    contig, position, length = place
    whole = fasta.get_reference_length(contig)
    first, last = max(1, position - flank), min(whole, position + length - 1 + flank)
    start, end = max(1, first - PAD), min(whole, last + PAD)
    sequence = f">{contig}:{start}-{end} @len={whole}\n{fasta.fetch(contig, start - 1, end)}"
    common = {"type": "alignment", "format": "bam", "indexed": False, "height": TRACK_HEIGHT, "colorBy": "strand"}
    tracks = [
        {
            **common,
            "name": name,
            "order": order,
            "url": data_uri(alignment_slice(alignments, contig, first - 1, last)),
            "sort": {"option": "BASE", "chr": contig, "position": position, "direction": "ASC"},
        }
        for order, (name, alignments) in enumerate(samples, 1)
    ]
    return {
        "version": "1",
        "reference": {"id": "sequence", "fastaURL": data_uri(sequence.encode()), "indexed": False},
        "locus": f"{contig}:{first}-{last}",
        "tracks": tracks,
    }


def page(template: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], sessions: Mapping[int, Any]) -> str:
    """The page: template with policy, igv.js, table and sessions put in.

    Parameters
    ----------
    template
        HTML with the marks @POLICY@, @IGV@ and @DATA@.
    columns, rows
        The table.
    sessions
        Session of rows that have one, by row number.

    Raises
    ------
    ValueError
        The template lacks a mark.
    """
    data = {"columns": list(columns), "rows": [[row[name] for name in columns] for row in rows], "sessions": sessions}
    parts = {
        "@POLICY@": POLICY,
        "@IGV@": igv_library().replace("</script", "<\\/script"),
        # no value of the table can end the script that holds it
        "@DATA@": json.dumps(data, ensure_ascii=True).replace("<", "\\u003c"),
    }
    for mark, content in parts.items():
        if template.count(mark) != 1:
            raise ValueError(f"the template must hold the mark {mark} once")
        template = template.replace(mark, content)
    return template
