"""What offices do: draft and sign permits, write trust stores, revoke."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from kimed_spe import canonical, duo, trees
from kimed_spe.permit_model import PAYLOAD_TYPE, PermitError, malformed
from kimed_spe.signing import CryptoSigner, Envelope, read_envelope, read_public, seal, write_envelope, write_public
from kimed_spe.trust import REVOCATIONS_TYPE, TrustStore


def draft(template: Path, root: Path, snakefile: Path) -> dict[str, Any]:
    """Fill a template (YAML) with what is there now: digests of data sets, workflow, lock files and protocol.

    Parameters
    ----------
    template
        A permit without digests; `environments` is a list of paths, `protocol` a path or null.
    root
        Working directory of the runs.
    snakefile
        Main file of the workflow.

    Raises
    ------
    PermitError
        The result does not match the schema, or its purpose breaks a condition of a data set: all reasons at once.
    TreeProblem
        Something has no digest.
    """
    content: dict[str, Any] = _typed(yaml.safe_load(template.read_text(encoding="utf-8")))
    for item in content["datasets"]:
        item["manifest"] = trees.dataset(trees.plain_path(root, item["path"])).digest
    sources = content["workflow"]
    tree = trees.workflow(trees.source_root(snakefile), sources["sources"], sources["exclude"])
    content["workflow"] = {**sources, "digest": tree.digest, "commit": sources.get("commit")}
    content["environments"] = {name: _sha256(root, name) for name in content["environments"]}
    protocol = content["protocol"]
    content["protocol"] = {"path": protocol, "sha256": _sha256(root, protocol)} if protocol else None
    reasons = [f"{field}: {wrong}" for field, wrong in malformed(canonical.encode(content))]
    if not reasons:
        found = ((item["id"], duo.problems(content, item["duo"])) for item in content["datasets"])
        reasons = [f"data set {name}: {code}: {wrong}" for name, wrongs in found for code, wrong in wrongs]
    if reasons:
        raise PermitError("\n".join([f"{template} gives no permit:", *(f"  {reason}" for reason in reasons)]))
    return content


def sign(document: Path, signers: Sequence[CryptoSigner], target: Path) -> Envelope:
    """Sign a draft, or add signatures to a permit that others have signed.

    Raises
    ------
    ValueError
        Neither a draft nor a permit.
    """
    data = canonical.decode(document.read_bytes())
    if isinstance(data, dict) and "payload" in data:
        envelope = read_envelope(document)
        if envelope.payload_type != PAYLOAD_TYPE:
            raise PermitError(f"{document} is a signed document of another type ({envelope.payload_type})")
        for signer in signers:
            envelope.sign(signer)
    else:
        wrong = malformed(canonical.encode(data))
        if wrong:
            raise PermitError(f"{document} is no permit: {wrong[0][0]}: {wrong[0][1]} ({len(wrong)} in all)")
        envelope = seal(data, PAYLOAD_TYPE, *signers)
    write_envelope(envelope, target)
    return envelope


def write_trust_store(folder: Path, roles: Mapping[str, Any], keys: Sequence[Path]) -> None:
    """Write `trust.json` and `keys/`; the access committee then signs the first list of revocations.

    Parameters
    ----------
    folder
        New folder.
    roles
        Content of `trust.json`; keys are named by the stems of their files.
    keys
        Files of public keys, as `spe trust key` writes them.

    Raises
    ------
    KeyProblem
        A key file is none.
    FileExistsError
        The folder is there.
    """
    (folder / "keys").mkdir(parents=True)
    for path in keys:
        key = read_public(path)
        write_public(key, folder / "keys" / f"{key.keyid}.json")
    (folder / "trust.json").write_text(json.dumps(roles, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def write_revocations(
    folder: Path, signers: Sequence[CryptoSigner], now: datetime, valid: timedelta,
    *, old: TrustStore | None = None, permits: Mapping[str, str] | None = None,
    keys: Mapping[str, str] | None = None,
) -> int:  # fmt: skip
    """Sign the next list of revocations: all of the old list and what is new; give its number.

    Parameters
    ----------
    permits
        Reason by permit id or by SHA-256 of a permit's signed bytes.
    keys
        Reason by key id.
    """
    known = old.revocations if old else None
    all_permits = {**(known.permits if known else {}), **(permits or {})}
    all_keys = {**(known.keys if known else {}), **(keys or {})}
    number = known.number + 1 if known else 1
    content = {
        "number": number,
        "issued": canonical.timestamp(now),
        "next_update": canonical.timestamp(now + valid),
        "permits": [{"permit": name, "reason": reason} for name, reason in sorted(all_permits.items())],
        "keys": [{"key": name, "reason": reason} for name, reason in sorted(all_keys.items())],
    }
    write_envelope(seal(content, REVOCATIONS_TYPE, *signers), folder / "revocations.json")
    return number


def _sha256(root: Path, name: str) -> str:
    return canonical.sha256_file(trees.plain_path(root, name))


def _typed(value: Any) -> Any:
    """Times that YAML made into objects, as text again."""
    if isinstance(value, dict):
        return {name: _typed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    return canonical.timestamp(value) if isinstance(value, datetime) else value
