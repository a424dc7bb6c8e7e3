"""The gate: a run without a permit that proves everything it does is refused, and either decision is recorded."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kimed_spe import canonical, site, trees, trust
from kimed_spe import permit as permits
from kimed_spe.permit_model import Context, Permit, PermitError, PermitRefused, Refusal
from kimed_spe.register import Register

MOST, LONGEST = 100, 2000
"""Reasons of a refusal that are recorded, and characters of each part."""
DEMONSTRATION = Path("profiles/spe/demo")
"""Where the shipped demonstration permit and its trust store are, relative to the repository."""


def current_user() -> str:
    """Login name of the real user id; USER and LOGNAME can be set by anybody."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid:{os.getuid()}"


def places(environment: Mapping[str, str] | None = None) -> tuple[Path, Path]:
    """The permit file and the trust store: as the site, or KIMED_PERMIT and KIMED_TRUST say, or the demonstration."""
    permit = site.place("permit", DEMONSTRATION / "permit.json", environment)
    return permit, site.place("trust", DEMONSTRATION / "trust", environment)


def enforce(
    context: Context,
    permit_path: Path,
    trust_path: Path,
    register: Register,
    *,
    record_acceptance: bool = True,
    now: datetime | None = None,
) -> Permit:
    """Check a run (or, with `context.manifests`, a job of it) and record the decision.

    Parameters
    ----------
    record_acceptance
        False for the checks of single jobs; refusals are always recorded.

    Raises
    ------
    PermitRefused
        With every reason.
    """
    now = now or datetime.now(UTC)
    context = replace(context, **memory(register))
    try:
        permit, store = _documents(permit_path, trust_path)
    except (PermitError, trust.TrustError) as error:
        place = "permit" if isinstance(error, PermitError) else "trust store"
        ask = "KIMED_PERMIT names another one; the administrator of this environment knows which"
        refusal = Refusal(place, "a readable, signed document", str(error), ask)
        register.append("permit.refused", {"permit": str(permit_path), "user": context.user, "fields": [place]})
        raise PermitRefused(str(permit_path), [refusal]) from error
    decision = {
        "permit": permit.identifier, "permit_sha256": permit.digest, "project": permit.content.get("project"),
        "user": context.user, "revocations": store.revocations.number, "sandbox": context.sandbox,
    }  # fmt: skip
    refusals = permits.check(permit, context, store, now)
    if refusals:
        reasons = [
            {name: getattr(item, name)[:LONGEST] for name in ("field", "expected", "found")} for item in refusals[:MOST]
        ]
        register.append("permit.refused", {**decision, "reasons": reasons})
        raise PermitRefused(permit.identifier, refusals)
    if record_acceptance:
        accepted = {name: permit.content[name] for name in ("valid_from", "valid_to", "controller")}
        datasets = {item["id"]: item["manifest"] for item in permit.content["datasets"]}
        workflow = permit.content["workflow"]["digest"]
        register.append("permit.accepted", {**decision, **accepted, "datasets": datasets, "workflow": workflow})
    return permit


_READ: dict[tuple[Path, Path], tuple[tuple[bytes, ...], Permit, trust.TrustStore]] = {}


def _documents(permit_path: Path, trust_path: Path) -> tuple[Permit, trust.TrustStore]:
    """Permit and trust store; read anew for every job, parsed and proven again only if a byte of them changed."""
    names = [trust_path / "trust.json", trust_path / "revocations.json", *sorted((trust_path / "keys").glob("*.json"))]
    try:
        content = tuple(part for path in (permit_path, *names) for part in (os.fsencode(path), path.read_bytes()))
    except OSError:
        content = ()  # the loaders say what is wrong
    known = _READ.get((permit_path, trust_path))
    if content and known and known[0] == content:
        return known[1:]
    found = (permits.load(permit_path), trust.load(trust_path))
    _READ[permit_path, trust_path] = (content, *found)
    return found


def store_manifests(permit: Permit, root: Path, folder: Path) -> None:
    """Keep the manifests of the permit's data sets under their digests, so that jobs hash only what they read.

    Raises
    ------
    TreeProblem
        A data set cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for item in permit.content["datasets"]:
        path = trees.plain_path(root, item["path"])
        if path.exists():
            manifest = trees.dataset(path)
            (folder / f"{manifest.digest}.sha256").write_text(manifest.text(), errors="surrogateescape")


def memory(register: Register) -> dict[str, Any]:
    """What the register knows: its project, the time it proves to have passed, the newest revocation list."""
    known: dict[str, Any] = {}
    newest = register.newest()
    if newest:
        known["newest_known"] = canonical.moment(newest.time)
        for entry in register.of_kind("permit.accepted"):
            known["project"] = entry.content["project"]
            known["revocations_seen"] = max(known.get("revocations_seen", 0), entry.content["revocations"])
    return known
