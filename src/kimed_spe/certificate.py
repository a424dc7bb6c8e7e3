"""Reproduction certificates: what was reproduced, how close it came, signed.

A certificate is an in-toto Statement v1 (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) in a
DSSE envelope: the reproduced outputs are its subjects, everything else is the predicate. Reading and verifying one
needs this package, securesystemslib and cryptography; no trust store, no register, no workflow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isinf, isnan
from pathlib import Path
from typing import Any

from kimed_compare.verdict import Status
from kimed_spe import canonical
from kimed_spe.signing import CryptoSigner, Envelope, Key, read_envelope, seal, valid_signers

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:kimed:reproduction-certificate:1"
FIELDS = (
    "verdict", "summary", "reproduced", "reference", "workflow", "parameters", "inputs", "permit", "environment",
    "hardware", "outputs", "run", "times", "signer", "repeat", "varies",
)  # fmt: skip
VARIES = ("environment", "hardware", "run", "signer", "times")
"""Fields of the predicate that may differ between two reproductions of the same thing; all others are the same."""
INCOMPLETE = "incomplete run"
"""Verdict over a run that failed or was cut off, whatever its outputs look like."""
_WORST_FIRST = (Status.DIFFERS, Status.MISSING, Status.NOT_COMPARABLE)
PASSES = (Status.IDENTICAL.value, Status.WITHIN.value)
# Ids of keys whose private half everybody has (profiles/spe/demo/keys/demo-certificate.pub.json).
DEMONSTRATION_KEYS = frozenset({"652d38664958a79b901041e6719e9b578a31fea9145523042c9481fec62d3d45"})


class CertificateError(ValueError):
    """No certificate can be read here; says why."""


class Forged(CertificateError):
    """The certificate is not what one of the given keys signed."""


@dataclass(frozen=True)
class Certificate:
    """A certificate as read from its file.

    Attributes
    ----------
    envelope
        The signed bytes and their signatures.
    statement
        The in-toto statement.
    digest
        SHA-256 of the signed bytes; it names this certificate.
    signers
        Ids of the given keys that validly signed; empty if it was read without proof.
    """

    envelope: Envelope
    statement: Mapping[str, Any]
    digest: str
    signers: frozenset[str] = frozenset()

    @property
    def predicate(self) -> Mapping[str, Any]:
        """What the statement says about its subjects."""
        found: Mapping[str, Any] = self.statement["predicate"]
        return found

    @property
    def verdict(self) -> str:
        """The overall verdict."""
        return str(self.predicate["verdict"])

    @property
    def passes(self) -> bool:
        """Whether every output was identical or within its tolerance, in a complete run."""
        return self.verdict in PASSES

    @property
    def demonstration(self) -> bool:
        """Whether a key that everybody has signed it."""
        return bool(self.signers & DEMONSTRATION_KEYS) or self.predicate["signer"]["demonstration"] is True


def overall(statuses: Iterable[str], *, complete: bool) -> str:
    """The verdict over all outputs: the worst counts, and nothing at all is no pass.

    Parameters
    ----------
    statuses
        Values of `Status`, one per output.
    complete
        Whether the run ended well.
    """
    found = set(statuses)
    if not complete:
        return INCOMPLETE
    for status in (*_WORST_FIRST, Status.WITHIN):
        if status.value in found:
            return status.value
    return Status.IDENTICAL.value if found else Status.NOT_COMPARABLE.value


def number(value: float) -> float | str:
    """A distance as JSON can hold it."""
    return "not a number" if isnan(value) else "infinite" if isinf(value) else float(value)


def statement(predicate: Mapping[str, Any]) -> dict[str, Any]:
    """The statement with this predicate; its subjects are the outputs that were found.

    Raises
    ------
    CertificateError
        A field of the predicate is missing or unknown.
    """
    if set(predicate) != set(FIELDS):
        raise CertificateError(f"fields of the predicate: {sorted(set(predicate) ^ set(FIELDS))} missing or unknown")
    subjects = [
        {"name": output["name"], "digest": {"sha256": output["found"]["sha256"]}}
        for output in predicate["outputs"]
        if output["found"]
    ]
    return {
        "_type": STATEMENT_TYPE, "subject": subjects, "predicateType": PREDICATE_TYPE, "predicate": dict(predicate),
    }  # fmt: skip


def sign(content: Mapping[str, Any], *signers: CryptoSigner) -> Envelope:
    """Put a statement into an envelope."""
    return seal(content, PAYLOAD_TYPE, *signers)


def read(path: Path) -> Certificate:
    """Read a certificate without proving anything.

    Raises
    ------
    CertificateError
        The file is missing, no certificate, or one of another version.
    """
    try:
        envelope = read_envelope(path)
        if envelope.payload_type != PAYLOAD_TYPE:
            raise CertificateError(f"{path} is a signed document of another type ({envelope.payload_type})")
        content = canonical.decode(envelope.payload)
    except (OSError, ValueError) as error:
        raise error if isinstance(error, CertificateError) else CertificateError(f"{path}: {error}") from error
    if not isinstance(content, dict) or content.get("_type") != STATEMENT_TYPE:
        raise CertificateError(f"{path} holds no in-toto statement")
    kind = content.get("predicateType")
    if kind != PREDICATE_TYPE:
        raise CertificateError(f"{path} states {kind}; this version of spe reads {PREDICATE_TYPE}")
    predicate = content.get("predicate")
    if (
        not isinstance(predicate, dict)
        or not set(FIELDS) <= set(predicate)
        or not isinstance(predicate["signer"], dict)
    ):
        raise CertificateError(f"{path} is no complete certificate")
    return Certificate(envelope, content, canonical.sha256(envelope.payload))


def verify(path: Path, keys: Sequence[Key]) -> Certificate:
    """Read a certificate and prove that one of `keys` signed exactly this content.

    The overall verdict is computed again from the outputs: a certificate that contradicts itself is forged, whoever
    signed it.

    Raises
    ------
    Forged
        None of the keys signed it, its content was changed, or it contradicts itself.
    CertificateError
        As `read`.
    """
    found = read(path)
    signers = valid_signers(found.envelope, list(keys))
    if not signers:
        claimed = ", ".join(sorted(name[:16] + "…" for name in found.envelope.signatures)) or "nobody"
        if set(found.envelope.signatures) & {key.keyid for key in keys}:
            raise Forged(f"{path}: the content was changed after it was signed (signature of {claimed} does not fit)")
        raise Forged(f"{path}: signed by {claimed}, which is none of the keys given")
    wrong = contradictions(found.statement)
    if wrong:
        raise Forged(f"{path} contradicts itself: {wrong[0]}")
    return Certificate(found.envelope, found.statement, found.digest, frozenset(signers))


def contradictions(content: Mapping[str, Any]) -> list[str]:
    """Where a statement does not follow from its own outputs and run."""
    try:
        predicate = content["predicate"]
        outputs = predicate["outputs"]
        statuses = [output["verdict"] for output in outputs]
        complete = predicate["run"]["complete"] is True
        wrong = []
        if predicate["verdict"] != overall(statuses, complete=complete):
            wrong.append(f"the verdict {predicate['verdict']!r} does not follow from the outputs")
        wrong += [f"unknown verdict {status!r}" for status in sorted(set(statuses) - {item.value for item in Status})]
        if predicate["summary"] != summary(statuses):
            wrong.append("the summary does not count the outputs")
        wrong += [problem for output in outputs if (problem := _contradiction(output))]
        subjects = [(subject["name"], subject["digest"]["sha256"]) for subject in content["subject"]]
        if subjects != [(output["name"], output["found"]["sha256"]) for output in outputs if output["found"]]:
            wrong.append("its subjects are not the outputs that it judges")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return [f"a field is missing or of another form ({type(error).__name__}: {error})"]
    return wrong


def _contradiction(output: Mapping[str, Any]) -> str | None:
    """Why the verdict on one output cannot be true."""
    status, name = output["verdict"], output["name"]
    beyond = [
        measure
        for measure, limit in output["tolerance"].items()
        if isinstance(output["distance"].get(measure, 0.0), str) or output["distance"].get(measure, 0.0) > limit
    ]
    if status in PASSES and beyond:
        return f"{name} is said to be {status}, but its {beyond[0]} is beyond the tolerance"
    if status in PASSES and not output["found"]:
        return f"{name} is said to be {status}, but was not found"
    return None


def summary(statuses: Iterable[str]) -> dict[str, int]:
    """How many outputs have which verdict."""
    listed = list(statuses)
    return {status.value: listed.count(status.value) for status in Status}
