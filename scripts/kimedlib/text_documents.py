"""Read clinical documents of several formats, and write them back with other annotations or another text.

Plain text, UIMA-CAS as JSON and XMI (INCEpTION), BRAT standoff, FHIR DocumentReference with text or PDF inside, FHIR
Composition (kimedlib.text_fhir), the text layer of PDF (kimedlib.text_pdf; written as BRAT). Offsets count code points
of the text as it was decoded; nothing but the text of a PDF is normalised.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kimedlib.atomic import atomic_path
from kimedlib.problems import InputProblems, Problem
from kimedlib.text_cas import cas_text, read_cas
from kimedlib.text_decoding import check_text, decode
from kimedlib.text_fhir import composition_of, rewritten
from kimedlib.text_model_data import LABELS, Letter, Span, trimmed
from kimedlib.text_pdf import text_of_pdf

FORMATS = ("text", "cas_json", "cas_xmi", "brat", "fhir", "pdf")
SUFFIXES = {
    "text": ".txt", "cas_json": ".json", "cas_xmi": ".xmi", "brat": ".txt", "fhir": ".json", "pdf": ".txt",
}  # fmt: skip
"""What the file of a written document ends in, by the format that the document was read in."""
ANNOTATION = re.compile(r"T\d+\t(\S+) (\d{1,9} \d{1,9}(?:;\d{1,9} \d{1,9})*)\t(.*)", re.DOTALL)


def written_form(form: str) -> str:
    """The format that a document is written in: its own, but never PDF."""
    return "brat" if form == "pdf" else form


def written_name(document: str, form: str) -> str:
    """Name of the file that a document is written to."""
    return document.removesuffix(SUFFIXES[form]) + SUFFIXES[form]


def _stop(file: str, place: str, found: str, remedy: str) -> InputProblems:
    return InputProblems([Problem(file, place, found, remedy)])


def read_letter(path: Path, form: str, name: str) -> Letter:
    """A document with the annotations that it has.

    Parameters
    ----------
    form
        One of `FORMATS`. For `brat` the text file is named; its `.ann` stands beside it, or there are no annotations.

    Raises
    ------
    InputProblems
        What `decode` refuses; broken JSON or XML; annotations outside the text or of unknown categories.
    """
    file = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _stop(file, "", error.strerror or str(error), "give the path of a document") from None
    if form in ("cas_json", "cas_xmi"):
        text, found = read_cas(data, path, form)
        check_text(text, file)
        return _letter(name, text, found, file)
    if form == "fhir":
        resource = _json(data, file)
        if _is_composition(resource):
            text = composition_of(resource, file).text
            check_text(text, file)
        else:
            text = "".join(_attachments(resource, file))
        return _letter(name, text, [], file)
    if form == "pdf":
        text = text_of_pdf(data, file)
        check_text(text, file)
        return _letter(name, text, [], file)
    text = decode(data, file)
    annotations = path.with_suffix(".ann")
    if form == "brat" and annotations.is_file():
        return _letter(name, text, _brat(annotations, text), file)
    return _letter(name, text, [], file)


def _letter(name: str, text: str, found: list[tuple[int, int, str]], file: str) -> Letter:
    problems = []
    spans = []
    for begin, end, label in sorted(found):
        place = f"annotation {begin}-{end}"
        if not 0 <= begin < end <= len(text):
            problems.append(Problem(file, place, f"lies outside the text of {len(text)} characters", "export it again"))
        elif label not in LABELS:
            problems.append(Problem(file, place, f"has the unknown category '{label}'", f"known: {', '.join(LABELS)}"))
        elif kept := trimmed(Span(begin, end, label), text):
            spans.append(kept)
    if problems:
        raise InputProblems(problems)
    return Letter(name, text, tuple(sorted(set(spans))))


def _json(data: bytes, file: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _stop(file, "", f"is no JSON: {str(error).split(':')[0]}", "export the document again") from None


def _is_composition(resource: Any) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") in ("Composition", "Bundle")


def _attachments(resource: Any, file: str) -> list[str]:
    """Texts of a DocumentReference, in order: plain ones, and text layers of PDF."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind != "DocumentReference":
        raise _stop(file, "key resourceType", f"is '{kind}'", "read are DocumentReference, Composition, Bundle")
    parts = []
    contents = resource.get("content", [])
    for number, content in enumerate(contents if isinstance(contents, list) else [contents]):
        place = f"content[{number}].attachment"
        attachment = content.get("attachment") if isinstance(content, dict) else None
        if not isinstance(attachment, dict):
            raise _stop(file, place, "is missing", "export the resource again")
        kind = str(attachment.get("contentType", "")).partition(";")[0].strip()
        if kind not in ("text/plain", "application/pdf") or "data" not in attachment:
            remedy = "read are text/plain and application/pdf with `data`"
            raise _stop(file, place, "is no text or PDF with its data inside", remedy)
        try:
            data = base64.b64decode(attachment["data"], validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise _stop(file, f"{place}.data", "is no base64", "export the resource again") from None
        if kind == "text/plain":
            parts.append(decode(data, f"{file}: {place}"))
        else:
            parts.append(text_of_pdf(data, f"{file}: {place}"))
            check_text(parts[-1], f"{file}: {place}")
    if not parts:
        raise _stop(file, "key content", "has no attachment", "export the resource again")
    return parts


def _brat(path: Path, text: str) -> list[tuple[int, int, str]]:
    """Text-bound annotations of a standoff file; pieces of a discontinuous one are spans of their own."""
    found = []
    problems = []
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise _stop(str(path), f"byte {error.start + 1}", "is no UTF-8", "export both files again") from None
    for number, line in enumerate(lines, 1):
        if not line.startswith("T"):
            continue
        match = ANNOTATION.fullmatch(line.removesuffix("\r"))
        if match is None:
            problems.append(
                Problem(str(path), f"line {number}", "is no text-bound annotation", "T1<tab>LABEL 0 5<tab>text")
            )
            continue
        pieces = [tuple(map(int, piece.split())) for piece in match[2].split(";")]
        quoted = " ".join(text[begin:end] for begin, end in pieces)
        if quoted.split() != match[3].split():
            problems.append(
                Problem(
                    str(path), f"line {number}", "does not quote the text at its offsets", "export both files again"
                )
            )
        found += [(begin, end, match[1]) for begin, end in pieces]
    if problems:
        raise InputProblems(problems)
    return found


def brat_annotations(letter: Letter, notes: Sequence[str] = ()) -> str:
    """A standoff file for a letter; `notes` become annotator notes (`#1 AnnotatorNotes T1 ...`), one per span, ``
    for none.
    """
    lines = []
    for number, span in enumerate(letter.spans, 1):
        quoted = letter.text[span.begin : span.end]
        pieces, start = [], span.begin
        for part in quoted.split("\n"):
            if part.strip():
                pieces.append((start, start + len(part), part))
            start += len(part) + 1
        offsets = ";".join(f"{begin} {end}" for begin, end, _ in pieces)
        lines.append(f"T{number}\t{span.label} {offsets}\t{' '.join(part for _, _, part in pieces)}")
        if number <= len(notes) and notes[number - 1]:
            lines.append(f"#{number}\tAnnotatorNotes T{number}\t{notes[number - 1]}")
    return "".join(line + "\n" for line in lines)


def write_letter(letter: Letter, source: Path, form: str, path: Path, moved: Sequence[tuple[Span, Span]] = ()) -> None:
    """Write a letter in a format, whole or not at all.

    A CAS keeps nothing of the source: layers like tokens and sentences, and the document's title, may hold the
    original text.

    Parameters
    ----------
    source
        The original document: what a FHIR resource says beside its text is *not* taken over either; kept are its type
        and status, of a Composition also its sections with their codes and the elements of its narratives.
    moved
        For a Composition: what was replaced, its places in the original and in the letter.

    Raises
    ------
    ValueError
        A Composition's letter differs from it elsewhere.
    """
    with atomic_path(path) as temporary:
        if form in ("cas_json", "cas_xmi"):
            temporary.write_text(cas_text(letter, form), encoding="utf-8")
        elif form == "fhir":
            old = _json(source.read_bytes(), str(source))
            if _is_composition(old):
                kept = rewritten(composition_of(old, str(source)), letter, moved)
            else:
                kept = {key: old[key] for key in ("resourceType", "status", "type") if key in old}
                data = base64.b64encode(letter.text.encode()).decode()
                kept["content"] = [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": data}}]
            temporary.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        else:
            temporary.write_bytes(letter.text.encode())
    if written_form(form) == "brat":
        path.with_suffix(".ann").write_text(brat_annotations(letter), encoding="utf-8")
