"""UIMA-CAS as JSON and XMI, as INCEpTION reads and writes them: text and the layer of identifiers.

Files count UTF-16 units, letters count code points: dkpro-cassis converts
(https://github.com/apache/uima-uimaj-io-jsoncas, `begin` and `end`). Nothing but text and that layer is taken over:
tokens, sentences and the title of a document may hold the original text.
"""

import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kimedlib.problems import InputProblems, Problem, raise_if
from kimedlib.text_model_data import Letter

LAYER, FEATURE, CONFIDENCE = "webanno.custom.PHI", "kind", "confidence"
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UNMAPPED = re.compile(r"Not mapping external offset \[(.*?)\]")
TYPE_SYSTEM = "TypeSystem.xml"


def read_cas(data: bytes, path: Path, form: str) -> tuple[str, list[tuple[int, int, str]]]:
    """Text, and (begin, end, category) of annotations in code points; one without category is `OTHER`.

    XMI takes its types from TypeSystem.xml beside it or, without, knows the layer of identifiers only.

    Raises
    ------
    InputProblems
        What the library cannot read; annotations without offsets, or with offsets outside the text or within a sign
        of two units.
    """
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data:
        raise InputProblems([Problem(str(path), "", "declares entities, which no export does", "export it again")])
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            cas = _load(data, path, form)
        _with_layer(cas.typesystem)
        found = [
            (int(one.begin), int(one.end), str(getattr(one, FEATURE, None) or "OTHER")) for one in cas.select(LAYER)
        ]
        text = str(cas.sofa_string or "")
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes of the library
        problem = f"is no {form} that can be read ({type(error).__name__})"
        raise InputProblems([Problem(str(path), "", problem, "export it again")]) from None
    # the library goes on with the number as it is, which would be another place
    wrong = sorted({match[1] for one in said if (match := UNMAPPED.match(str(one.message)))})
    raise_if(
        Problem(str(path), f"offset {number}", "lies outside the text or within a sign", "export it again")
        for number in wrong
    )
    return text, found


def _load(data: bytes, path: Path, form: str) -> Any:
    import cassis

    if form == "cas_json":
        return cassis.load_cas_from_json(io.BytesIO(data))
    beside = path.with_name(TYPE_SYSTEM)
    types = cassis.load_typesystem(io.BytesIO(beside.read_bytes())) if beside.is_file() else cassis.TypeSystem()
    _with_layer(types)
    return cassis.load_cas_from_xmi(io.BytesIO(data), typesystem=types, lenient=True)


def _with_layer(types: Any, *, confidence: bool = False) -> Any:
    if not types.contains_type(LAYER):
        types.create_feature(types.create_type(LAYER, "uima.tcas.Annotation"), FEATURE, "uima.cas.String")
    layer = types.get_type(LAYER)
    if confidence:
        types.create_feature(layer, CONFIDENCE, "uima.cas.Float")
    return layer


def cas_text(letter: Letter, form: str, confidences: Sequence[float] = ()) -> str:
    """The file of a letter; with `confidences`, one per span, the layer has a second feature of that name.

    Raises
    ------
    InputProblems
        The text holds signs that XML cannot hold.
    """
    import cassis

    wrong = NOT_IN_XML.search(letter.text) if form == "cas_xmi" else None
    if wrong:
        found = f"line {letter.text.count(chr(10), 0, wrong.start()) + 1} holds the sign U+{ord(wrong[0]):04X}"
        raise InputProblems(
            [Problem(letter.name, "", f"{found}, which XML cannot hold", "write it as cas_json or brat")]
        )
    types = cassis.TypeSystem()
    layer = _with_layer(types, confidence=bool(confidences))
    cas = cassis.Cas(types, sofa_string=letter.text, sofa_mime="text/plain")
    more = [{CONFIDENCE: round(value, 4)} for value in confidences] or [{}] * len(letter.spans)
    cas.add_all(
        layer(begin=span.begin, end=span.end, **{FEATURE: span.label}, **extra)
        for span, extra in zip(letter.spans, more, strict=True)
    )
    return str(cas.to_json() if form == "cas_json" else cas.to_xmi())


def type_system() -> str:
    """The types of files written with confidences, for TypeSystem.xml beside them."""
    import cassis

    types = cassis.TypeSystem()
    _with_layer(types, confidence=True)
    return str(types.to_xml())
