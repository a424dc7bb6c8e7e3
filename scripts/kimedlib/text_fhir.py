"""The text of a FHIR Composition, and the Composition again with another text: alone, or in a Bundle of type document.

Read are titles and narratives (XHTML), of the whole and of its sections in their order, nested ones too
(https://hl7.org/fhir/R4/composition.html, https://hl7.org/fhir/R4/narrative.html). Nothing else is taken over: authors,
subjects, times, attributes, pictures and linked resources may identify.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.entities import html5
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

from kimedlib.problems import InputProblems, Problem
from kimedlib.text_model_data import Letter, Span

XHTML = "http://www.w3.org/1999/xhtml"
MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
TABLES = frozenset({"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "ul", "ol", "dl"})
BLOCKS = TABLES | {"div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "dt", "dd", "pre", "hr", "blockquote"}
INLINE = frozenset(
    {"a", "b", "i", "em", "strong", "small", "big", "tt", "code", "dfn", "samp", "kbd", "var", "cite", "abbr"}
    | {"acronym", "q", "sub", "sup", "span"}
)
CELLS = frozenset({"td", "th"})
PICTURES = frozenset({"img", "map", "area"})
ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(\w+);")
DEEPEST = 100


@dataclass
class Narratives:
    """A Composition without anything but its text, and where in that text its parts stand.

    Attributes
    ----------
    resource
        What will be written.
    text
        All parts in order; a block or title ends with a line break, a cell of a table with a tabulator.
    slots
        Begin in `text`, part, and who holds it: an element's `text` or `tail`, or a dictionary's key.
    divs
        Narratives, and the elements that become their `div`.
    """

    file: str
    resource: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    slots: list[tuple[int, str, Any, str]] = field(default_factory=list)
    divs: list[tuple[dict[str, Any], ET.Element]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, place: str, found: str, remedy: str = "export the resource again") -> None:
        """Note a problem."""
        self.problems.append(Problem(self.file, place, found, remedy))

    def add(self, part: str | None, holder: Any, key: str) -> None:
        """Add a part of the text."""
        if part:
            self.slots.append((len(self.text), part, holder, key))
            self.text += part

    def end(self, sign: str) -> None:
        """End a line or a cell."""
        if self.text and not self.text.endswith("\n"):
            self.text += sign


def composition_of(resource: Any, file: str) -> Narratives:
    """Read a Composition, or a Bundle that holds one.

    Parameters
    ----------
    resource
        The parsed JSON.

    Raises
    ------
    InputProblems
        All of: no or several Compositions in a Bundle, fields of a wrong kind, a narrative that is no XHTML `div`,
        declares entities, or has an element that a narrative must not have.
    """
    found = Narratives(file)
    # "collection" is what we write, below.
    bundled = resource.get("resourceType") == "Bundle"
    if bundled:
        entries = resource.get("entry")
        inside = [one.get("resource") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
        letters = [one for one in inside if isinstance(one, dict) and one.get("resourceType") == "Composition"]
        if resource.get("type") not in ("document", "collection") or len(letters) != 1:
            place, what = "key entry", f"is a Bundle of type '{resource.get('type')}' with {len(letters)} Compositions"
            raise InputProblems([Problem(file, place, what, "give a Bundle of type document: it has exactly one")])
        resource = letters[0]
    clean = {"resourceType": "Composition", "status": "final", **_coded(resource, "status", "type")}
    clean |= {"_date": MASKED, "author": [dict(MASKED)]}
    _part(found, resource, clean, "Composition", 0)
    if "title" not in clean:
        clean["_title"] = MASKED
    if found.problems:
        raise InputProblems(found.problems)
    # A Bundle of type document must say when it was made and who it is: a collection need not.
    entry = [{"resource": clean}]
    found.resource = {"resourceType": "Bundle", "type": "collection", "entry": entry} if bundled else clean
    return found


def _coded(old: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Codes without the words beside them, which anybody may have typed."""
    kept: dict[str, Any] = {}
    for key in keys:
        value = old.get(key)
        if key == "status" and isinstance(value, str) and re.fullmatch("[a-z-]+", value):
            kept[key] = value
        elif isinstance(value, dict) and isinstance(value.get("coding"), list):
            codes = [one for one in value["coding"] if isinstance(one, dict)]
            kept[key] = {"coding": [{name: one[name] for name in ("system", "code") if name in one} for one in codes]}
    return kept


def _part(found: Narratives, old: dict[str, Any], new: dict[str, Any], place: str, depth: int) -> None:
    """Title, narrative and sections of a Composition or a section."""
    title, text, sections = old.get("title", ""), old.get("text"), old.get("section", [])
    if not isinstance(title, str):
        found.wrong(f"{place}.title", "is no text")
    elif title:
        new["title"] = title
        found.add(title, new, "title")
        found.end("\n")
    if text is not None:
        _narrative(found, text, new, f"{place}.text")
    if not isinstance(sections, list) or depth > DEEPEST:
        found.wrong(f"{place}.section", f"is nested more than {DEEPEST} deep" if depth > DEEPEST else "is no list")
        return
    for number, section in enumerate(sections):
        here = f"{place}.section[{number}]"
        if not isinstance(section, dict):
            found.wrong(here, "is no section")
            continue
        kept = _coded(section, "code")
        new.setdefault("section", []).append(kept)
        _part(found, section, kept, here, depth + 1)


def _narrative(found: Narratives, text: Any, new: dict[str, Any], place: str) -> None:
    div = text.get("div") if isinstance(text, dict) else None
    if not isinstance(div, str) or not div.strip():
        found.wrong(f"{place}.div", "is missing or no text")
        return
    if "<!" in re.sub("<!--.*?-->", "", div, flags=re.DOTALL):
        found.wrong(f"{place}.div", "declares a document type, entities or CDATA", "a narrative is one plain div")
        return
    named = ENTITY.sub(lambda match: html.escape(html5[f"{match[1]};"]) if f"{match[1]};" in html5 else match[0], div)
    try:
        tree = ET.fromstring(named)  # noqa: S314 - nothing is declared in it, as was looked up above
    except ET.ParseError as error:
        found.wrong(f"{place}.div", f"is no XHTML: {str(error).split(':')[0]} (line {error.position[0]})")
        return
    if tree.tag not in ("div", f"{{{XHTML}}}div"):
        found.wrong(f"{place}.div", "is no div", "a narrative is one div of XHTML")
        return
    kept = ET.Element("div", xmlns=XHTML)
    new["text"] = {"status": "generated"}
    found.divs.append((new["text"], kept))
    _walk(found, tree, kept, place, 0)
    found.end("\n")


def _walk(found: Narratives, old: ET.Element, new: ET.Element, place: str, depth: int) -> None:
    """Copy what is inside an element, and add its text."""
    if depth > DEEPEST:
        found.wrong(f"{place}.div", f"is nested more than {DEEPEST} deep")
        return
    # White space between rows and cells is layout of the file, not text.
    layout = old.tag.rpartition("}")[2] in TABLES
    found.add(old.text if not layout or (old.text or "").strip() else None, new, "text")
    for child in old:
        tag = child.tag.rpartition("}")[2]
        if tag not in BLOCKS | INLINE | CELLS | PICTURES | {"br"}:
            found.wrong(
                f"{place}.div", f"holds <{tag}>, which no narrative may hold", "remove what is no formatted text"
            )
            continue
        if tag in BLOCKS:
            found.end("\n")
        spread = {key: value for key, value in child.items() if key in ("colspan", "rowspan") and value.isdecimal()}
        kept = ET.SubElement(new, "span" if tag in PICTURES else tag, spread)
        _walk(found, child, kept, place, depth + 1)
        if tag in BLOCKS:
            found.end("\n")
        elif tag in CELLS:
            found.end("\t")
        elif tag == "br":
            found.text += "\n"
        found.add(child.tail if not layout or (child.tail or "").strip() else None, kept, "tail")


def rewritten(found: Narratives, letter: Letter, moved: Sequence[tuple[Span, Span]]) -> dict[str, Any]:
    """The Composition with a letter's text. What replaces words of several parts stands in the first of them.

    Parameters
    ----------
    letter
        The text of `found`, other words in some places.
    moved
        These places: in the text of `found`, and in the letter; in order, without overlaps.

    Raises
    ------
    ValueError
        The letter differs elsewhere.
    """
    ends = (Span(0, 0, ""), Span(0, 0, "")), (Span(len(found.text), 0, ""), Span(len(letter.text), 0, ""))
    kept = []
    for (old, new), (old_next, new_next) in pairwise([ends[0], *moved, ends[1]]):
        same = found.text[old.end : old_next.begin]
        if letter.text[new.end : new_next.begin] != same:
            raise ValueError(f"{letter.name}: the new text differs from {found.file} outside of what was replaced")
        kept.append((old.end, same))
    for begin, part, holder, key in found.slots:
        end = begin + len(part)
        pieces = [
            (max(begin, start), same[max(0, begin - start) : max(0, end - start)])
            for start, same in kept
            if start < end and start + len(same) > begin
        ]
        pieces += [(old.begin, letter.text[new.begin : new.end]) for old, new in moved if begin <= old.begin < end]
        whole = "".join(piece for _, piece in sorted(pieces))
        if isinstance(holder, dict):
            holder[key] = whole
        else:
            setattr(holder, key, whole)
    for narrative, element in found.divs:
        narrative["div"] = ET.tostring(element, encoding="unicode")
    return found.resource
