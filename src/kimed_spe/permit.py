"""Compare a permit with the facts of a run: every reason to refuse, with field, expected, found and whom to ask."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from kimed_spe import canonical, duo, software, trees
from kimed_spe.canonical import moment
from kimed_spe.permit_model import (
    PAYLOAD_TYPE,
    Context,
    Permit,
    PermitError,
    PermitRefused,
    Refusal,
    load,
    malformed,
)
from kimed_spe.trust import TrustStore

__all__ = [
    "PAYLOAD_TYPE",
    "Context",
    "Permit",
    "PermitError",
    "PermitRefused",
    "Refusal",
    "check",
    "load",
    "moment",
    "pattern",
]

CLOCK_TOLERANCE = timedelta(seconds=60)
"""Difference between the clocks of two machines that is no sign of a clock set back."""
ANYONE = "any"


@dataclass(frozen=True)
class _Run:
    """What the parts of the check look at."""

    permit: Permit
    context: Context
    trust: TrustStore
    now: datetime

    @property
    def content(self) -> Mapping[str, Any]:
        return self.permit.content

    @property
    def committee(self) -> str:
        """Whom to ask about the permit."""
        return self.trust.access_committee.contact

    @cached_property
    def source_root(self) -> Path:
        return self.context.source_root or trees.source_root(self.context.root / self.context.snakefile)

    @cached_property
    def tree(self) -> trees.Manifest | trees.TreeProblem:
        """The workflow as it is now, or why it has no digest."""
        sources = self.content["workflow"]
        try:
            return trees.workflow(self.source_root, sources["sources"], sources["exclude"])
        except trees.TreeProblem as problem:
            return problem


Part = Callable[[_Run], Iterator[Refusal]]


def check(permit: Permit, context: Context, trust: TrustStore, now: datetime) -> list[Refusal]:
    """Every reason why the permit does not allow the run; an empty list allows it.

    Parameters
    ----------
    permit
        As read by `load`.
    context
        The facts of the run, or of one job of it.
    trust
        The site's trust store.
    now
        The present moment, with time zone.
    """
    committee = trust.access_committee.contact
    if permit.envelope.payload_type != PAYLOAD_TYPE:
        return [Refusal("payloadType", PAYLOAD_TYPE, permit.envelope.payload_type, committee)]
    unreadable = [
        Refusal(field, "a document after permit.schema.json", found, committee)
        for field, found in malformed(permit.envelope.payload)
    ]
    if unreadable:
        return unreadable
    run = _Run(permit, context, trust, now)
    return [refusal for part in PARTS for refusal in part(run)]


@cache
def pattern(text: str) -> re.Pattern[str]:
    """Regular expression of a path pattern: `{name}` and `*` stay within a folder, `**` does not."""
    pieces = re.split(r"(\*\*|\*|\{[^{}]*\})", text)
    translated = {"**": ".*", "*": "[^/]*"}
    return re.compile(
        "".join(
            translated.get(piece) or ("[^/]+" if piece.startswith("{") else re.escape(piece))
            for piece in pieces
            if piece
        ),
        re.DOTALL,
    )


def _signatures(run: _Run) -> Iterator[Refusal]:
    content, trust = run.content, run.trust
    roles = {"access committee": trust.access_committee}
    holder = trust.data_holders.get(content["controller"])
    if holder is None:
        known = ", ".join(sorted(trust.data_holders)) or "none"
        yield Refusal("controller", content["controller"], f"data holders with keys: {known}", trust.contact)
    else:
        roles[f"data holder {content['controller']}"] = holder
        for number, item in enumerate(content["datasets"]):
            path = item["path"]
            if holder.scope and not any(path == top or path.startswith(f"{top}/") for top in holder.scope):
                expected = f"data below {', '.join(holder.scope)}, all that this data holder's keys may sign for"
                yield Refusal(f"datasets[{number}].path", expected, path, trust.contact)
    for name, role in roles.items():
        count = len(trust.signers(run.permit.envelope, role))
        if count < role.threshold:
            expected = f"{role.threshold} valid signature(s) of the {name}"
            yield Refusal("signatures", expected, f"{count}", role.contact)
    if content["demonstration"] != trust.demonstration:
        kind = {True: "a demonstration", False: "productive"}
        expected = f"{kind[content['demonstration']]} (permit)"
        yield Refusal("demonstration", expected, f"{kind[trust.demonstration]} (trust store)", trust.contact)
    if not trust.demonstration:
        for weakness in trust.weaknesses():
            yield Refusal("trust store", "one that the running account cannot change", weakness, trust.contact)


def _revocation(run: _Run) -> Iterator[Refusal]:
    revocations = run.trust.revocations
    for name in (run.permit.identifier, run.permit.digest):
        if name in revocations.permits:
            found = f"{name} revoked: {revocations.permits[name]}"
            yield Refusal("id", "a permit that is not revoked", found, run.committee)
    if run.now >= revocations.next_update:
        found = f"the revocation list ended {canonical.timestamp(revocations.next_update)}"
        yield Refusal("revocations", "a revocation list that is still valid", found, run.committee)
    if revocations.number < run.context.revocations_seen:
        expected = f"revocation list {run.context.revocations_seen} or newer, which the register has seen"
        yield Refusal("revocations", expected, f"list {revocations.number}", run.committee)


def _time(run: _Run) -> Iterator[Refusal]:
    begin, end = moment(run.content["valid_from"]), moment(run.content["valid_to"])
    here = canonical.timestamp(run.now)
    if run.now < begin:
        yield Refusal("valid_from", f"valid from {canonical.timestamp(begin)}", here, run.committee)
    if run.now >= end:
        yield Refusal("valid_to", f"valid until {canonical.timestamp(end)}", here, run.committee)
    newest = max(run.trust.newest, run.context.newest_known or run.trust.newest)
    if run.now + CLOCK_TOLERANCE < newest:
        expected = f"a clock not before {canonical.timestamp(newest)}, the newest time in register and trust store"
        yield Refusal("clock", expected, here, run.trust.contact)


def _person(run: _Run) -> Iterator[Refusal]:
    users = {user["id"] for user in run.content["users"]}
    if not (run.context.user in users or (ANYONE in users and run.content["demonstration"])):
        yield Refusal("users", f"one of {', '.join(sorted(users))}", run.context.user, run.committee)
    project = run.context.project
    if project is not None and project != run.content["project"]:
        found = f"a register of project {project}"
        yield Refusal("project", f"project {run.content['project']}", found, run.committee)


def _data_use(run: _Run) -> Iterator[Refusal]:
    for number, item in enumerate(run.content["datasets"]):
        for code, wrong in duo.problems(run.content, item["duo"]):
            yield Refusal(f"datasets[{number}].duo", f"data under {code}", wrong, run.committee)


def _workflow(run: _Run) -> Iterator[Refusal]:
    signed, contact, root = run.content["workflow"], run.committee, run.source_root
    if run.content["demonstration"]:
        contact = "changed on purpose? `make demo-permit` signs anew; `--profile profiles/local` runs ungoverned"
    if isinstance(run.tree, trees.TreeProblem):
        yield Refusal("workflow.sources", ", ".join(signed["sources"]), str(run.tree), contact)
        return
    if run.tree.digest != signed["digest"]:
        expected = f"source tree {signed['digest'][:16]}… ({signed['name']})"
        yield Refusal("workflow.digest", expected, f"{run.tree.digest[:16]}… below {root}", contact)
    for source in (run.context.snakefile, *run.context.sources):
        if _relative(run.context.root / source, root) not in run.tree.files:
            yield Refusal("workflow.sources", f"a file of the signed tree below {root}", str(source), contact)
    allowed = ", ".join(signed["overrides"]) or "none"
    unsigned = [
        (key, f" in {path}")
        for path, keys in run.context.configs.items()
        if _relative(run.context.root / path, root) not in run.tree.files
        for key in keys
    ]
    given = {*((key, "") for key in run.context.overrides), *unsigned}
    for key, where in sorted(given):
        if key not in signed["overrides"]:
            yield Refusal("workflow.overrides", f"changes of configuration: {allowed}", f"{key}{where}", contact)


def _inputs(run: _Run) -> Iterator[Refusal]:
    """Every file that is read belongs to a data set of the permit, to workflow or software, or is a lock file."""
    contact = run.trust.data_holders.get(run.content["controller"], run.trust.access_committee).contact
    if run.content["demonstration"]:
        contact = f"your own data need a permit of your own ({contact}); `--profile profiles/local` runs ungoverned"
    tops: dict[int, Path] = {}
    for number, item in enumerate(run.content["datasets"]):
        try:
            tops[number] = trees.plain_path(run.context.root, item["path"])
        except trees.TreeProblem as problem:
            yield Refusal(f"datasets[{number}].path", "a path without '..' and links", str(problem), contact)
    used: dict[int, list[Path]] = {}
    for given in run.context.inputs:
        path = Path(os.path.normpath(run.context.root.resolve() / given))
        place = next((number for number, top in tops.items() if path == top or top in path.parents), None)
        if place is not None:
            used.setdefault(place, []).append(path)
        # Files that packages of the locked environment ship are software; every job sees them anyway.
        elif not (_own(path.resolve(), run) or software.inside(path.resolve(), [Path(sys.prefix).resolve()])):
            names = ", ".join(item["path"] for item in run.content["datasets"])
            yield Refusal("datasets", f"inputs within {names}", str(given), contact)
    for number, paths in sorted(used.items()):
        item = run.content["datasets"][number]
        expected = f"{item['id']} version {item['version']}, manifest {item['manifest'][:16]}…"
        try:
            found = _difference(tops[number], paths, item["manifest"], run.context)
        except trees.TreeProblem as problem:
            found = str(problem)
        if found:
            yield Refusal(f"datasets[{number}].manifest", expected, found, contact)


def _own(path: Path, run: _Run) -> bool:
    """Whether a file belongs to the workflow or is a lock file; these may be read as well."""
    if path in {(run.context.root / lock).resolve() for lock in run.content["environments"]}:
        return True
    return not isinstance(run.tree, trees.TreeProblem) and _relative(path, run.source_root) in run.tree.files


def _difference(top: Path, paths: list[Path], manifest: str, context: Context) -> str | None:
    """How a data set differs from its manifest: as a whole, or, where that is stored, in the files that are read."""
    if context.manifests is None:
        found = trees.dataset(top).digest
        return None if found == manifest else f"manifest {found[:16]}…"
    stored = context.manifests / f"{manifest}.sha256"
    if not stored.exists():
        return "other content when the run began"
    signed = trees.read_manifest(stored, manifest).files
    base = top if top.is_dir() else top.parent
    for path in paths:
        trees.plain_path(context.root, path)
        name = "" if path == base else path.relative_to(base).as_posix()
        if path.is_dir():
            prefix = f"{name}/" if name else ""
            here = {prefix + inner: value for inner, value in trees.dataset(path).files.items()}
            there = {inner: value for inner, value in signed.items() if inner.startswith(prefix)}
        else:
            here = {name: trees.dataset(path).files[path.name]}
            there = {name: signed[name]} if name in signed else {}
        changed = sorted(inner for inner, _ in set(here.items()) ^ set(there.items()))
        if changed:
            return f"other content in {base / changed[0]}"
    return None


def _software(run: _Run) -> Iterator[Refusal]:
    root, signed, protocol = run.context.root, run.content["environments"], run.content["protocol"]
    for name in run.context.locks:
        if _relative(root / name, root.resolve()) not in signed:
            known = ", ".join(sorted(signed)) or "none"
            yield Refusal("environments", f"software fixed by {known}", str(name), run.committee)
    fixed = [(f"environments.{name}", name, digest) for name, digest in sorted(signed.items())]
    if protocol:
        fixed.append(("protocol", protocol["path"], protocol["sha256"]))
    for field, name, digest in fixed:
        try:
            found = canonical.sha256_file(trees.plain_path(root, name))
        except (OSError, ValueError) as error:
            found = str(error)
        if found != digest:
            yield Refusal(field, f"sha256 {digest}", found, run.committee)


def _plans(run: _Run) -> Iterator[Refusal]:
    content = run.content
    planned = [pattern(item["path"]) for item in content["outputs"]]
    for output in run.context.outputs:
        plain = not Path(output).is_absolute() and ".." not in Path(output).parts
        if not plain or not any(expression.fullmatch(output) for expression in planned):
            names = ", ".join(item["path"] for item in content["outputs"])
            yield Refusal("outputs", f"planned outputs: {names}", output, run.committee)
    for name, value in sorted(run.context.resources.items()):
        limit = content["resources"].get(name)
        # Written so that NaN, which is neither more nor less, is refused.
        if limit is None or not 0 <= value <= limit:
            expected = "no such resource" if limit is None else f"at most {limit:g}"
            yield Refusal(f"resources.{name}", expected, f"{value:g}", run.committee)
    sandbox = run.context.sandbox
    if sandbox not in ("bubblewrap", content["sandbox"]):
        yield Refusal("sandbox", content["sandbox"], sandbox, run.committee)


def _relative(path: Path, root: Path) -> str | None:
    plain = Path(os.path.normpath(path.absolute()))
    if not plain.is_relative_to(root):
        plain = plain.resolve()
    return plain.relative_to(root).as_posix() if plain.is_relative_to(root) else None


PARTS: tuple[Part, ...] = (
    _signatures, _revocation, _time, _person, _data_use, _workflow, _inputs, _software, _plans,
)  # fmt: skip
"""The parts of the check; each gives its own reasons, so that all are told at once."""
