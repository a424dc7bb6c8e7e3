"""What changed between two reproductions of one workflow: outputs, and the four factors that they depend on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kimed_spe.factors import CODE, ENVIRONMENT, INPUT, PARAMETER, factor

UNKNOWN = "not known"
GONE = "not there"


@dataclass(frozen=True)
class Change:
    """An output that is not what it was.

    Attributes
    ----------
    name
        As both certificates name it.
    before, after
        Verdicts.
    content
        Whether the content differs (by fingerprint or bytes), not only the verdict on it.
    cause
        Factors that explain it, or why they are not known.
    """

    name: str
    before: str
    after: str
    content: bool
    cause: str = UNKNOWN


@dataclass(frozen=True)
class Factor:
    """One of the four, with what differs in it."""

    name: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Drift:
    """Everything that changed.

    Attributes
    ----------
    outputs
        Those that changed.
    same
        How many did not.
    factors
        Code, parameter, environment, input; each with its differences.
    other
        Differences that no result should depend on: hardware, permit, what it was compared with.
    notes
        What a bisection did and could not do.
    """

    outputs: tuple[Change, ...]
    same: int
    factors: tuple[Factor, ...]
    other: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def changed(self) -> list[str]:
        """Names of the factors in which something differs."""
        return [item.name for item in self.factors if item.changes]

    def explained(self, causes: Mapping[str, str], notes: Iterable[str]) -> "Drift":
        """The same with causes by output, and notes."""
        outputs = tuple(replace(item, cause=causes.get(item.name, item.cause)) for item in self.outputs)
        return replace(self, outputs=outputs, notes=tuple(notes))

    def lines(self, *, full: bool = False) -> list[str]:
        """In words; `full` tells every change, as a terminal needs it."""
        names = self.changed
        lines = [
            f"Outputs that changed: {len(self.outputs)}; that did not: {self.same}.",
            f"What differs between then and now: {', '.join(names) if names else 'nothing that a result depends on'}.",
            *self.other, *self.notes,
        ]  # fmt: skip
        if full:
            lines += [
                f"  {item.name}: {item.before} -> {item.after}; explained by: {item.cause}" for item in self.outputs
            ]
            for item in self.factors:
                lines += [f"{item.name}, differences: {len(item.changes)}"]
                lines += [f"  {change}" for change in item.changes]
        return lines


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> Drift:
    """Compare the predicates of two certificates of the same workflow.

    Raises
    ------
    ValueError
        They are of different workflows.
    """
    names = [item["reproduced"]["workflow"] for item in (old, new)]
    if names[0] != names[1]:
        raise ValueError(f"the older certificate is of the workflow {names[0]}, this one of {names[1]}")
    outputs, same = _outputs(old["outputs"], new["outputs"])
    files = _differences(old["workflow"]["files"], new["workflow"]["files"])
    by_factor: dict[str, list[str]] = {CODE: [], PARAMETER: [], ENVIRONMENT: [], INPUT: []}
    for name, how in files.items():
        kind = factor(name)
        if kind:
            by_factor[kind].append(f"{name} {how}")
    by_factor[PARAMETER] = _parameters(old["parameters"], new["parameters"], by_factor[PARAMETER])
    by_factor[ENVIRONMENT] += _environment(old["environment"], new["environment"])
    manifests = [
        {item["id"]: f"{item['version']}, {item['manifest']}" for item in side["inputs"]} for side in (old, new)
    ]
    by_factor[INPUT] += [f"data set {name} {how}" for name, how in _differences(*manifests).items()]
    factors = tuple(Factor(name, tuple(changes)) for name, changes in by_factor.items())
    return Drift(tuple(outputs), same, factors, tuple(_other(old, new)))


def _outputs(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> tuple[list[Change], int]:
    before, after = ({item["name"]: item for item in side} for side in (old, new))
    changes = []
    for name in [*after, *(name for name in before if name not in after)]:
        then, now = before.get(name), after.get(name)
        states = [item["verdict"] if item else GONE for item in (then, now)]
        content = content_id(then) != content_id(now)
        if states[0] != states[1] or content:
            changes.append(
                Change(name, states[0], states[1], content, UNKNOWN if content else "the content is the same")
            )
    return changes, len(set(before) | set(after)) - len(changes)


def content_id(output: Mapping[str, Any] | None) -> str | None:
    """What outputs of equal content share: the fingerprint (it ignores e.g. compression), else the digest."""
    if not output or not output["found"]:
        return None
    return str(output["found"].get("fingerprint") or output["found"]["sha256"])


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """How things that have names changed."""
    found = {}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found[name] = "was removed"
        elif name not in old:
            found[name] = "was added"
        elif old[name] != new[name]:
            found[name] = "was changed"
    return found


def _parameters(old: Mapping[str, Any], new: Mapping[str, Any], files: list[str]) -> list[str]:
    """Values that changed; files without readable values by their names."""
    told = [
        f"{name} {how}: {old[name]} -> {new[name]}"
        if how == "was changed"
        else f"{name} {how}: {new.get(name, old.get(name))}"
        for name, how in _differences(old, new).items()
    ]
    structured = {name.partition(": ")[0] for name in (*old, *new)}
    return told + [line for line in files if line.rsplit(" was ", 1)[0] not in structured]


def _environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{name}: {old[name]} -> {new[name]}" for name in ("software", "python", "system") if old[name] != new[name]
    ]
    lines += [f"{name} {how}" for name, how in _differences(old["locks"], new["locks"]).items()]
    packages = old["packages"], new["packages"]
    return lines + [
        f"{name}: {packages[0].get(name, 'none')} -> {packages[1].get(name, 'none')}"
        for name in _differences(*packages)
    ]


def _other(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines = []
    hardware = _differences(old["hardware"], new["hardware"])
    if hardware:
        told = ", ".join(f"{name} {old['hardware'].get(name)} -> {new['hardware'].get(name)}" for name in hardware)
        lines.append(f"The machine is another one: {told}.")
    if old["run"]["cores"] != new["run"]["cores"]:
        lines.append(f"Cores: {old['run']['cores']} -> {new['run']['cores']}.")
    if old["reference"]["sha256"] != new["reference"]["sha256"]:
        lines.append("The published results that both were compared with are not the same.")
    return lines
