"""The trust store: whose signatures count, for what, and what was revoked. A folder that the site's administrator owns.

`trust.json` names roles, `keys/*.json` holds public keys, `revocations.json` is a list signed by the access committee.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kimed_spe import canonical
from kimed_spe.signing import Envelope, Key, KeyProblem, read_envelope, read_public, valid_signers

REVOCATIONS_TYPE = "application/vnd.kimed.revocations+json"


class TrustError(ValueError):
    """The trust store cannot be used; nothing is allowed then."""


@dataclass(frozen=True)
class Role:
    """Who signs as what.

    Attributes
    ----------
    keys
        Ids of the keys that may act.
    threshold
        How many different ones must have signed.
    contact
        Whom to ask.
    scope
        Paths that data sets must be below; empty for no limit.
    """

    keys: frozenset[str]
    threshold: int
    contact: str
    scope: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revocations:
    """What is no longer valid.

    Attributes
    ----------
    number
        Grows with each list, so that an old one cannot be put back unseen.
    issued, next_update
        When it was signed, and when it is too old to rely on.
    permits
        Reason by permit id or SHA-256 of a permit's signed bytes.
    keys
        Reason by key id.
    """

    number: int
    issued: datetime
    next_update: datetime
    permits: Mapping[str, str]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class TrustStore:
    """A trust store as read from its folder.

    Attributes
    ----------
    path
        The folder.
    demonstration
        Whether its keys are published: it then accepts permits marked as demonstrations, and only those.
    issued
        When the administrator wrote it.
    contact
        Whom to ask about the store itself.
    data_holders
        Role by controller.
    access_committee, register
        The other roles.
    certificate
        Who signs certificates of reproductions; a site may have none.
    keys
        Public key by id.
    revocations
        The list in force.
    """

    path: Path
    demonstration: bool
    issued: datetime
    contact: str
    data_holders: Mapping[str, Role]
    access_committee: Role
    register: Role
    keys: Mapping[str, Key]
    revocations: Revocations
    certificate: Role | None = None

    def signers(self, envelope: Envelope, role: Role) -> set[str]:
        """Ids of the role's keys that validly signed and are not revoked."""
        usable = role.keys - set(self.revocations.keys)
        return valid_signers(envelope, [self.keys[name] for name in sorted(usable)])

    @property
    def newest(self) -> datetime:
        """The latest moment that the store proves to have passed."""
        return max(self.issued, self.revocations.issued)

    def weaknesses(self) -> list[str]:
        """Why the account that runs, or others, could change the store; of no matter in demonstrations."""
        found = []
        top = self.path.resolve()
        for path in [top / "trust.json", top / "revocations.json", top / "keys", top, *top.parents]:
            status = path.stat()
            shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            # In a sticky folder such as /tmp only the owner of an entry may replace it.
            if shared and not (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
                found.append(f"{path} can be changed by others (mode {stat.S_IMODE(status.st_mode):o})")
            elif status.st_uid == os.geteuid() != 0:
                found.append(f"{path} belongs to the account that runs")
        return found


def load(path: Path) -> TrustStore:
    """Read and prove a trust store.

    Raises
    ------
    TrustError
        Anything is missing, malformed, contradictory or not signed.
    """
    path = Path(path)
    try:
        data = canonical.decode((path / "trust.json").read_bytes())
        keys: dict[str, Key] = {key.keyid: key for key in map(read_public, sorted((path / "keys").glob("*.json")))}
        holders = {name: _role(role) for name, role in data["data_holders"].items()}
        committee, register = _role(data["access_committee"]), _role(data["register"])
        revocations = _revocations(path / "revocations.json", committee, keys)
        store = TrustStore(
            path, data["demonstration"] is True, canonical.moment(data["issued"]), data["contact"],
            holders, committee, register, keys, revocations,
            _role(data["certificate"]) if "certificate" in data else None,
        )  # fmt: skip
    except (OSError, KeyProblem, KeyError, TypeError, AttributeError, ValueError) as error:
        raise TrustError(f"trust store {path}: {type(error).__name__}: {error}") from error
    _consistent(store)
    return store


def _role(data: Mapping[str, Any]) -> Role:
    return Role(frozenset(data["keys"]), int(data["threshold"]), str(data["contact"]), tuple(data.get("scope", ())))


def _revocations(path: Path, committee: Role, keys: Mapping[str, Key]) -> Revocations:
    envelope = read_envelope(path)
    if envelope.payload_type != REVOCATIONS_TYPE:
        raise TrustError(f"{path} is a signed document of another type ({envelope.payload_type})")
    signers = valid_signers(envelope, [keys[name] for name in sorted(committee.keys)])
    if len(signers) < committee.threshold:
        raise TrustError(f"{path}: {len(signers)} of {committee.threshold} signatures of the access committee")
    data = canonical.decode(envelope.payload)
    return Revocations(
        int(data["number"]), canonical.moment(data["issued"]), canonical.moment(data["next_update"]),
        {entry["permit"]: entry["reason"] for entry in data["permits"]},
        {entry["key"]: entry["reason"] for entry in data["keys"]},
    )  # fmt: skip


def _consistent(store: TrustStore) -> None:
    """Raise unless every role has enough keys of its own: one key in two roles would undo the separation."""
    roles = {**{f"data holder {name}": role for name, role in store.data_holders.items()},
             "access committee": store.access_committee, "register": store.register,
             **({"certificate": store.certificate} if store.certificate else {})}  # fmt: skip
    owner: dict[str, str] = {}
    for name, role in roles.items():
        if role.threshold < 1 or len(role.keys) < role.threshold:
            raise TrustError(f"trust store {store.path}: {name} has {len(role.keys)} keys, needs {role.threshold} >= 1")
        for key in sorted(role.keys):
            if key not in store.keys:
                raise TrustError(f"trust store {store.path}: the key {key[:16]}… of {name} is missing in keys/")
            if key in owner and not (name.startswith("data holder") and owner[key].startswith("data holder")):
                raise TrustError(f"trust store {store.path}: {name} and {owner[key]} share the key {key[:16]}…")
            owner[key] = name
