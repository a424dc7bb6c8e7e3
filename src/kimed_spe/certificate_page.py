"""The page of a certificate: one file without any reference to others, for people who review.

Two kinds. The page that may leave shows pictures and rows of outputs that are `open`, and of all others verdict and
distance only. The review page stays inside and shows those of `check` as well. Nothing of `never` is on either.
"""

import functools
from collections.abc import Iterable, Mapping
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Any

from kimed_compare.verdict import Status
from kimed_spe import evidence, judgement
from kimed_spe.certificate import INCOMPLETE, Certificate
from kimed_spe.evidence import Evidence
from kimed_spe.judgement import Judged

SEEN = {"release": ("open",), "review": ("open", "check")}
"""Egress classes whose content each kind of page shows."""
ORDER = (Status.DIFFERS, Status.MISSING, Status.NOT_COMPARABLE, Status.WITHIN, Status.IDENTICAL)
MARKS = {
    "identical": "=", "within tolerance": "≈", "differs": "≠", "missing": "∅", "not comparable": "?", INCOMPLETE: "!",
}  # fmt: skip
LIGHTS = {
    "identical": "good", "within tolerance": "fair", "differs": "bad", "missing": "bad", "not comparable": "open",
    INCOMPLETE: "bad",
}  # fmt: skip
HEADLINES = {
    "identical": "Reproduced: every output is identical",
    "within tolerance": "Reproduced: every output is identical or within its tolerance",
    "differs": "Not reproduced: outputs differ",
    "missing": "Not reproduced: outputs are missing",
    "not comparable": "Not decided: outputs could not be compared",
    INCOMPLETE: "Not reproduced: the run did not finish",
}


def evidence_of(judged: Iterable[Judged], kind: str) -> dict[str, Evidence]:
    """What the page of this kind may show, by the certificate's name of the output."""
    listed = list(judged)
    names = [entry["name"] for entry in judgement.entries(listed)]
    return {
        name: found
        for name, one in zip(names, listed, strict=True)
        if one.declared.egress in SEEN[kind] and (found := evidence.of(one))
    }


def details_of(judged: Iterable[Judged], kind: str) -> dict[str, tuple[str, ...]]:
    """The comparators' words that the page of this kind may show, by the certificate's name of the output."""
    listed = list(judged)
    told = judgement.entries(listed, details=lambda one: one.declared.egress in SEEN[kind])
    return {entry["name"]: tuple(entry["details"]) for entry in told if entry["details"]}


def write(
    certificate: Certificate, path: Path, kind: str = "release", judged: Iterable[Judged] = (), drift: Any = None
) -> None:
    """Write a page.

    Parameters
    ----------
    certificate
        As read back from its file.
    kind
        `release` or `review`.
    judged
        The run's outputs, where they are at hand; without them there are no pictures.
    drift
        `drift.Drift` since an older certificate.
    """
    listed = list(judged)
    text = _template().render(
        predicate=certificate.predicate, digest=certificate.digest, kind=kind, drift=drift,
        demonstration=certificate.demonstration, headline=HEADLINES[certificate.verdict], marks=MARKS, lights=LIGHTS,
        order=[status.value for status in Status],
        groups=_groups(certificate.predicate["outputs"]), evidence=evidence_of(listed, kind),
        details=details_of(listed, kind) or {o["name"]: o["details"] for o in certificate.predicate["outputs"]},
    )  # fmt: skip
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.touch(0o600 if kind == "review" else 0o644)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _groups(outputs: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Outputs by verdict, the worst first."""
    listed = list(outputs)
    grouped = [(status.value, [item for item in listed if item["verdict"] == status.value]) for status in ORDER]
    return [(name, items) for name, items in grouped if items]


def share(distance: float | str, tolerance: float | str) -> int:
    """How much of a tolerance a distance uses up, in percent, 100 at most."""
    if isinstance(distance, str) or isinstance(tolerance, str):
        return 100
    if not tolerance:
        return 100 if distance else 0
    return min(100, round(100 * distance / tolerance))


def figure(value: float | str) -> str:
    """A number for people: three significant digits."""
    if isinstance(value, str):
        return value
    return f"{value:.3g}" if isfinite(value) else "infinite"


def allowed(distance: float | str, tolerance: float | str) -> str:
    """A distance against its tolerance, in words."""
    if not tolerance:
        return "must be 0"
    if isinstance(distance, str) or isinstance(tolerance, str) or distance <= tolerance:
        return f"of {figure(tolerance)} allowed"
    return f"{distance / tolerance:.3g} times the {figure(tolerance)} allowed"


def plural(count: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@functools.cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - verification needs no page

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        share=lambda pair: share(*pair), allowed=lambda pair: allowed(*pair), figure=figure, of=plural
    )  # fmt: skip
    text = resources.files("kimed_spe").joinpath("data/certificate.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)
