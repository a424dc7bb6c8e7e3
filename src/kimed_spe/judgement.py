"""Verdict on every output of a run, against what is known about the published one.

Known may be the content itself, its fingerprint under the comparator, or only its SHA-256. What cannot be decided from
what is known is `not comparable`, never a pass.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import kimed_compare
from kimed_compare import ToleranceError, Unreadable
from kimed_compare.verdict import Status, Verdict
from kimed_spe import outputs
from kimed_spe.certificate import number
from kimed_spe.declared import PREFIX, DeclaredOutput


@dataclass(frozen=True)
class Known:
    """What is known about one published output.

    Attributes
    ----------
    sha256
        Of its bytes (of a folder, of its manifest).
    fingerprint
        `kimed_compare.fingerprint` of it, under the declared comparator and options.
    content
        The file itself, where it may be had.
    """

    sha256: str | None = None
    fingerprint: str | None = None
    content: Path | None = None


@dataclass(frozen=True)
class Judged:
    """One output with its verdict.

    Attributes
    ----------
    path
        Relative to the results' root; for a declared output of which nothing is there, its pattern.
    declared
        Its entry in outputs.yaml.
    verdict
        The outcome; `details` may hold individual-level content.
    reason
        Why there is nothing to measure, in words that hold no content; empty if a comparator decided.
    known
        What it was compared with.
    found
        The file, if it is there.
    digest
        Of the file, if it is there and safe to read.
    fingerprint
        Of its content, by the comparator, if that can read it.
    """

    path: str
    declared: DeclaredOutput
    verdict: Verdict
    reason: str
    known: Known | None
    found: Path | None
    digest: outputs.Digest | None
    fingerprint: str | None = None

    @property
    def same_bytes(self) -> bool:
        """Whether the bytes are those of the published output."""
        return bool(self.known and self.digest and self.known.sha256 == self.digest.sha256)


def judge(
    declared: Sequence[DeclaredOutput], known: Mapping[str, Known], results: Path, made: Mapping[str, str]
) -> list[Judged]:
    """Verdicts on everything that is declared, or known.

    Parameters
    ----------
    declared
        What the workflow says its results are.
    known
        What is known, by path relative to the results' root.
    results
        Root folder of the run's results.
    made
        SHA-256 by path, relative to the root's parent, of what jobs of the run left, by the register.
    """
    judged: list[Judged] = []
    seen: set[str] = set()
    for item in declared:
        expression = item.pattern()
        found = {path.relative_to(results).as_posix(): path for path in item.files(results)} if results.is_dir() else {}
        there = {name for name in known if expression.fullmatch(name)}
        # The first entry that speaks of a file decides, as for a reader of the list.
        names = sorted((there | found.keys()) - seen)
        seen |= set(names)
        if not names and not item.only_if and not (there | found.keys()):
            nothing = "declared, but no rule of this run makes it"
            judged.append(
                Judged(item.path.removeprefix(PREFIX), item, Verdict(Status.MISSING), nothing, None, None, None)
            )
        judged += [_one(item, name, known.get(name), found.get(name), made) for name in names]
    undeclared = DeclaredOutput("", "Known, but no longer declared in outputs.yaml", "never", "exact", {})
    lost, why = Verdict(Status.NOT_COMPARABLE), "no entry of outputs.yaml says how to compare it"
    judged += [
        Judged(name, replace(undeclared, path=PREFIX + name), lost, why, known[name], None, None)
        for name in sorted(set(known) - seen)
    ]
    return judged


def _one(item: DeclaredOutput, name: str, known: Known | None, found: Path | None, made: Mapping[str, str]) -> Judged:
    """Verdict on one file or folder."""
    if found is None:
        gone = "the published run has it, this run does not"
        return Judged(name, item, Verdict(Status.MISSING), gone, known, None, None)
    try:
        outputs.check(found)
        digest = outputs.digest(found)
    except (outputs.UnsafeOutput, OSError):
        unsafe = "it holds something else than plain files, or cannot be read"
        return Judged(name, item, Verdict(Status.NOT_COMPARABLE), unsafe, known, found, None)
    doubt = _doubt(name, digest.sha256, found, made)
    if doubt:
        return Judged(name, item, Verdict(Status.NOT_COMPARABLE), doubt, known, found, digest)
    fingerprint, unreadable = None, Verdict(Status.NOT_COMPARABLE)
    try:
        fingerprint = kimed_compare.fingerprint(item.comparator, found, item.tolerance)
    except (ToleranceError, Unreadable) as error:
        unreadable = Verdict(Status.NOT_COMPARABLE, details=(str(error),))
    if known is None:
        verdict, reason = Verdict(Status.NOT_COMPARABLE), "nothing is known about the published one"
    elif fingerprint is None:
        verdict, reason = unreadable, "the comparator cannot read it"
    else:
        verdict, reason = _compare(item, known, found, digest.sha256, fingerprint)
    return Judged(name, item, verdict, reason, known, found, digest, fingerprint)


def _doubt(name: str, digest: str, found: Path, made: Mapping[str, str]) -> str:
    """Why a file is not what a job of the run left, by the register; nothing if it is."""
    path = PREFIX + name
    if path in made:
        # Snakemake puts a stamp into folders after the register has seen them.
        same = made[path] == digest or found.is_dir()
        return "" if same else "the file was changed after the job that made it"
    inside = any(path.startswith(f"{folder}/") for folder in made)
    return "" if inside else "no job of this run made it, by the register"


def _compare(item: DeclaredOutput, known: Known, found: Path, digest: str, fingerprint: str) -> tuple[Verdict, str]:
    """Verdict by the comparator, or one without measure and its reason."""
    if known.content is not None:
        verdict = kimed_compare.compare(item.comparator, known.content, found, item.tolerance)
        return verdict, "the comparator cannot read one of the two" if verdict.status is Status.NOT_COMPARABLE else ""
    limits = kimed_compare.check(item.comparator, item.tolerance).limits
    if fingerprint == known.fingerprint or (known.fingerprint is None and digest == known.sha256):
        return Verdict(Status.IDENTICAL, dict.fromkeys(limits, 0.0), limits), ""
    # The content differs. Whether by more than a tolerance allows, only the content could tell.
    if known.fingerprint is None and item.comparator != "exact":
        return Verdict(Status.NOT_COMPARABLE), "bytes differ, and only the digest of the published one is known"
    if any(limits.values()):
        why = "the content differs, and the published one is not here to measure how far"
        return Verdict(Status.NOT_COMPARABLE), why
    return Verdict(Status.DIFFERS, {"content": 1.0}, {"content": 0.0}), "the content differs; how far is not measured"


def entries(judged: Iterable[Judged], *, details: Callable[[Judged], bool] | None = None) -> list[dict[str, Any]]:
    """What a certificate says of every output.

    Individual-level content stays out: of an output that is not `open`, the details in words are left out, and of one
    that is `never`, names of files that a wildcard stands for (they may hold pseudonyms) become numbers.

    Parameters
    ----------
    details
        Whether to tell an output's details; by default only those of `open` ones.
    """
    told = details or (lambda one: one.declared.egress == "open")
    found: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for one in judged:
        pattern = one.declared.path
        counts[pattern] = counts.get(pattern, 0) + 1
        masked = one.declared.egress == "never" and "{" in pattern
        found.append(
            {
                "name": f"{pattern} #{counts[pattern]}" if masked else PREFIX + one.path,
                "declared": pattern,
                "meaning": one.declared.meaning,
                "egress": one.declared.egress,
                "comparator": one.declared.comparator,
                "verdict": one.verdict.status.value,
                "same_bytes": one.same_bytes,
                "distance": {name: number(value) for name, value in sorted(one.verdict.distance.items())},
                "tolerance": {name: number(value) for name, value in sorted(one.verdict.tolerance.items())},
                "reason": one.reason,
                "details": list(one.verdict.details) if told(one) else [],
                "reference": {"sha256": one.known.sha256, "fingerprint": one.known.fingerprint} if one.known else None,
                "found": _found(one),
            }
        )
    return found


def _found(one: Judged) -> dict[str, Any] | None:
    if one.digest is None:
        return None
    return {"sha256": one.digest.sha256, "size": one.digest.size, "fingerprint": one.fingerprint}
