"""Conditions of use (Data Use Ontology): a permit that breaks one is refused, although both offices signed it."""

import copy
from pathlib import Path

import pytest
from spe.offices import Site, build

from kimed_spe import duo, permit


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return build(tmp_path / "s")


def check(
    site: Site, conditions: list[dict], purpose: dict | None = None, organisation: dict | None = None
) -> set[str]:
    """Fields that are refused when both offices have signed a permit over data with these conditions."""
    content = copy.deepcopy(dict(site.sign().content))
    content["datasets"][0]["duo"] = conditions
    content["purpose"].update(purpose or {})
    content["organisation"].update(organisation or {})
    return {refusal.field for refusal in site.check(site.seal(content))}


def terms(code: str, *values: str) -> list[dict]:
    """The term on top of general research use."""
    return [{"code": "DUO:0000042"}, {"code": code, **({"values": list(values)} if values else {})}]


BREAST, DIABETES = "MONDO:0007254", "MONDO:0005148"
PROFIT = {"not_for_profit": False}
# name: (code, values, changes of the purpose, changes of the organisation)
BROKEN: dict[str, tuple[str, list[str], dict, dict]] = {
    "class as term": ("DUO:0000017", [], {}, {}),
    "unknown term": ("DUO:0009999", [], {}, {}),
    "another disease": ("DUO:0000007", [DIABETES], {}, {}),
    "no disease studied": ("DUO:0000007", [BREAST], {"diseases": []}, {}),
    "one disease too many": ("DUO:0000007", [BREAST], {"diseases": [BREAST, DIABETES]}, {}),
    "term without its disease": ("DUO:0000007", [], {}, {}),
    "commercial, non-commercial use only": ("DUO:0000046", [], {"commercial": True}, {}),
    "commercial, neither": ("DUO:0000018", [], {"commercial": True}, {}),
    "company, neither": ("DUO:0000018", [], {}, PROFIT),
    "company, not for profit only": ("DUO:0000045", [], {}, PROFIT),
    "ancestry, biomedical only": ("DUO:0000006", [], {"kinds": ["population_origins"]}, {}),
    "ancestry, prohibited": ("DUO:0000044", [], {"kinds": ["health", "population_origins"]}, {}),
    "health, ancestry only": ("DUO:0000011", [], {}, {}),
    "other type of research": ("DUO:0000012", ["ageing"], {}, {}),
    "no type of research": ("DUO:0000012", ["ageing"], {"research_types": []}, {}),
    "methods development": ("DUO:0000015", [], {"kinds": ["methods"]}, {}),
    "no genetics": ("DUO:0000016", [], {"kinds": ["health"]}, {}),
    "unpublished": ("DUO:0000019", [], {"publishes_results": False}, {}),
    "alone": ("DUO:0000020", [], {"collaboration": None}, {}),
    "no ethics approval": ("DUO:0000021", [], {"ethics_approval": None}, {}),
    "elsewhere": ("DUO:0000022", ["FR"], {}, {}),
    "published too early": ("DUO:0000024", ["2028-01-01T00:00:00Z"], {}, {}),
    "published at any time": ("DUO:0000024", ["2027-01-01T00:00:00Z"], {"publishes_not_before": None}, {}),
    "moratorium without a time": ("DUO:0000024", [], {}, {}),
    "too long": ("DUO:0000025", ["2027-01-01T00:00:00Z"], {}, {}),
    "limit without a time": ("DUO:0000025", [], {}, {}),
    "limit that is no time": ("DUO:0000025", ["soon"], {}, {}),
    "other user": ("DUO:0000026", ["bob"], {}, {}),
    "other project": ("DUO:0000027", ["project-two"], {}, {}),
    "other institution": ("DUO:0000028", ["University C"], {}, {}),
    "nothing returned": ("DUO:0000029", [], {"returns_results": False}, {}),
}
KEPT: dict[str, list[str]] = {
    "DUO:0000004": [], "DUO:0000006": [], "DUO:0000007": [BREAST, DIABETES], "DUO:0000012": ["cohort", "ageing"],
    "DUO:0000015": [], "DUO:0000016": [], "DUO:0000018": [], "DUO:0000019": [], "DUO:0000020": [], "DUO:0000021": [],
    "DUO:0000022": ["DE", "FR"], "DUO:0000024": ["2027-06-01T00:00:00Z"], "DUO:0000025": ["2027-06-01T00:00:00Z"],
    "DUO:0000026": ["alice"], "DUO:0000027": ["project-one"], "DUO:0000028": ["University B"], "DUO:0000029": [],
    "DUO:0000043": [], "DUO:0000044": [], "DUO:0000045": [], "DUO:0000046": [],
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_condition_is_refused(site: Site, name: str):
    code, values, purpose, organisation = BROKEN[name]
    assert check(site, terms(code, *values), purpose, organisation) == {"datasets[0].duo"}


@pytest.mark.parametrize("code", KEPT)
def test_kept_condition_is_allowed(site: Site, code: str):
    assert check(site, terms(code, *KEPT[code])) == set()


def test_data_without_permission_are_refused(site: Site):
    assert check(site, [{"code": "DUO:0000046"}]) == {"datasets[0].duo"}


def test_clinical_care_needs_its_term(site: Site):
    assert check(site, [{"code": "DUO:0000042"}], {"kinds": ["clinical_care"]}) == {"datasets[0].duo"}
    assert check(site, terms("DUO:0000043"), {"kinds": ["clinical_care"]}) == set()


def test_draft_says_so_before_anybody_signs(site: Site):
    site.template["datasets"][0]["duo"] = terms("DUO:0000007", DIABETES)
    with pytest.raises(permit.PermitError, match="disease specific research"):
        site.sign()


def test_every_term_has_a_rule_and_a_case():
    assert set(duo.RULES) == set(duo.terms()) and len(duo.RULES) == 23
    assert {code for code, *_ in BROKEN.values()} | set(KEPT) | duo.PERMISSIONS >= set(duo.RULES)
