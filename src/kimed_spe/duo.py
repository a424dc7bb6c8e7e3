"""What the terms of the Data Use Ontology ask of a permit.

Source of the terms: data/duo.csv (DUO, GA4GH, CC BY 4.0); each rule quotes the definition it enforces.
"""

import csv
import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from kimed_spe import canonical

Rule = Callable[[Mapping[str, Any], Sequence[str]], str | None]
"""Takes the permit's content and the term's values; gives what is wrong, or nothing."""

PERMISSIONS = frozenset({"DUO:0000004", "DUO:0000042", "DUO:0000006", "DUO:0000007", "DUO:0000011"})
"""Data use permissions: every data set needs one; all other terms only restrict."""
CLASSES = frozenset({"DUO:0000001", "DUO:0000017"})
"""Terms that only group others."""
CLINICAL_CARE = "DUO:0000043"


@functools.cache
def terms() -> dict[str, str]:
    """Label by id of the terms that may be used."""
    text = resources.files("kimed_spe").joinpath("data/duo.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["id"]: row["label"] for row in rows if row["id"] not in CLASSES}


def problems(content: Mapping[str, Any], conditions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Conditions of a data set that the permit's purpose, users or dates break, as (term, what is wrong)."""
    found = []
    codes = {condition["code"] for condition in conditions}
    if not codes & PERMISSIONS:
        found.append(("DUO:0000001", "no data use permission (NRES, GRU, HMB, DS or POA) is given"))
    if "clinical_care" in content["purpose"]["kinds"] and CLINICAL_CARE not in codes:
        found.append((CLINICAL_CARE, "the purpose has clinical care, which the data set does not allow"))
    for condition in conditions:
        code = condition["code"]
        if code not in terms():
            found.append((code, "no term of the Data Use Ontology that may be used"))
            continue
        wrong = RULES[code](content, condition.get("values", []))
        if wrong:
            found.append((code, f"{terms()[code]}: {wrong}"))
    return found


def _kinds(content: Mapping[str, Any]) -> set[str]:
    return set(content["purpose"]["kinds"])


def _fine(_content: Mapping[str, Any], _values: Sequence[str]) -> None:
    """No condition that a permit could break."""


def _biomedical(content: Mapping[str, Any], _values: Sequence[str]) -> str | None:
    """Only health/medical/biomedical purposes, 'does not include the study of population origins or ancestry'."""
    others = _kinds(content) & {"population_origins", "other"}
    return f"the purpose has {', '.join(sorted(others))}" if others else None


def _disease(content: Mapping[str, Any], values: Sequence[str]) -> str | None:
    """'Allowed provided it is related to the specified disease'; narrower terms have to be listed."""
    studied = set(content["purpose"]["diseases"])
    if not values:
        return "the term names no disease"
    if not studied:
        return f"the purpose names no disease (allowed: {', '.join(values)})"
    others = studied - set(values)
    return f"the purpose has {', '.join(sorted(others))} (allowed: {', '.join(values)})" if others else None


def _ancestry_only(content: Mapping[str, Any], _values: Sequence[str]) -> str | None:
    others = _kinds(content) - {"population_origins"}
    return f"the purpose also has {', '.join(sorted(others))}" if others else None


def _without(kind: str) -> Rule:
    """The purpose may not have this kind of use."""

    def rule(content: Mapping[str, Any], _values: Sequence[str]) -> str | None:
        return f"the purpose has {kind}" if kind in _kinds(content) else None

    return rule


def _genetic(content: Mapping[str, Any], _values: Sequence[str]) -> str | None:
    return None if "genetics" in _kinds(content) else "the purpose has no genetics"


def _non_commercial(content: Mapping[str, Any], _values: Sequence[str]) -> str | None:
    return "the purpose is commercial" if content["purpose"]["commercial"] else None


def _not_for_profit(content: Mapping[str, Any], _values: Sequence[str]) -> str | None:
    organisation = content["organisation"]
    return None if organisation["not_for_profit"] else f"{organisation['name']} works for profit"


def _neither(content: Mapping[str, Any], values: Sequence[str]) -> str | None:
    return _non_commercial(content, values) or _not_for_profit(content, values)


def _needs(name: str, what: str) -> Rule:
    """The purpose has to state this."""

    def rule(content: Mapping[str, Any], _values: Sequence[str]) -> str | None:
        return None if content["purpose"][name] else f"the permit states no {what}"

    return rule


def _among(what: str, of: Callable[[Mapping[str, Any]], set[str]]) -> Rule:
    """Everything that the permit has must be listed in the term's values."""

    def rule(content: Mapping[str, Any], values: Sequence[str]) -> str | None:
        if not of(content):
            return f"the permit names no {what}"
        others = of(content) - set(values)
        return f"{what} {', '.join(sorted(others))} is not among {', '.join(values) or 'none'}" if others else None

    return rule


def _time(values: Sequence[str]) -> datetime | None:
    """The one time among a term's values, if that is what they are."""
    try:
        return canonical.moment(values[0]) if len(values) == 1 else None
    except ValueError:
        return None


def _until(content: Mapping[str, Any], values: Sequence[str]) -> str | None:
    end = _time(values)
    if end is None:
        return "the term needs the one time at which the use ends"
    if canonical.moment(content["valid_to"]) > end:
        return f"the permit is valid until {content['valid_to']}, the data until {values[0]}"
    return None


def _moratorium(content: Mapping[str, Any], values: Sequence[str]) -> str | None:
    end = _time(values)
    if end is None:
        return "the term needs the one time before which nothing is published"
    planned = content["purpose"]["publishes_not_before"]
    if planned is None or canonical.moment(planned) < end:
        return f"publication is planned from {planned or 'any time'}, allowed from {values[0]}"
    return None


RULES: dict[str, Rule] = {
    "DUO:0000004": _fine,
    "DUO:0000042": _fine,
    "DUO:0000006": _biomedical,
    "DUO:0000007": _disease,
    "DUO:0000011": _ancestry_only,
    "DUO:0000012": _among("research type", lambda content: set(content["purpose"]["research_types"])),
    "DUO:0000015": _without("methods"),
    "DUO:0000016": _genetic,
    "DUO:0000018": _neither,
    "DUO:0000019": _needs("publishes_results", "publication of results"),
    "DUO:0000020": _needs("collaboration", "collaboration"),
    "DUO:0000021": _needs("ethics_approval", "ethics approval"),
    "DUO:0000022": _among("region", lambda content: {content["organisation"]["region"]}),
    "DUO:0000024": _moratorium,
    "DUO:0000025": _until,
    "DUO:0000026": _among("user", lambda content: {user["id"] for user in content["users"]}),
    "DUO:0000027": _among("project", lambda content: {content["project"]}),
    "DUO:0000028": _among("institution", lambda content: {content["organisation"]["name"]}),
    "DUO:0000029": _needs("returns_results", "return of results"),
    "DUO:0000043": _fine,
    "DUO:0000044": _without("population_origins"),
    "DUO:0000045": _not_for_profit,
    "DUO:0000046": _non_commercial,
}
