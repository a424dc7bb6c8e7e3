"""Keys and signed documents: Ed25519 (RFC 8032) in DSSE envelopes (Dead Simple Signing Envelope 1.0)."""

import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, Key, SSlibKey

from kimed_spe import canonical

__all__ = ["CryptoSigner", "Envelope", "Key", "KeyProblem"]

DEMONSTRATION = "DEMONSTRATION KEY"
"""Text in the file of a key that everybody has."""

LARGEST = 16 << 20
"""Bytes of a signed document: a device or an endless file must not fill the memory."""

MOST_PROVEN = 64
_PROVEN: dict[tuple[object, ...], frozenset[str]] = {}
"""Who validly signed which bytes: the same permit is asked about for every job."""

Passphrase = Callable[[], bytes]


class KeyProblem(ValueError):
    """A key file that must not or cannot be used."""


def read_envelope(path: Path) -> Envelope:
    """Read a DSSE envelope.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It holds no DSSE envelope.
    """
    with Path(path).open("rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"more than {LARGEST >> 20} MB, too much for a signed document")
    data = canonical.decode(text)
    try:
        return Envelope.from_dict(data)
    except (KeyError, TypeError, AttributeError, VerificationError, ValueError) as error:
        raise ValueError(f"no DSSE envelope ({type(error).__name__}: {error})") from error


def write_envelope(envelope: Envelope, path: Path) -> None:
    """Write an envelope under a temporary name and rename it, so that readers never see half of it."""
    text = json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def seal(content: Any, payload_type: str, *signers: CryptoSigner) -> Envelope:
    """Put a document into an envelope, signed by each of `signers`."""
    envelope = Envelope(canonical.encode(content), payload_type, {})
    for signer in signers:
        envelope.sign(signer)
    return envelope


def valid_signers(envelope: Envelope, keys: list[Key]) -> set[str]:
    """Ids of those of `keys` that have validly signed the envelope; each key counts once."""
    signatures = tuple(sorted((name, signature.signature) for name, signature in envelope.signatures.items()))
    asked = (envelope.pae(), signatures, tuple((key.keyid, key.scheme, repr(key.keyval)) for key in keys))
    known = _PROVEN.get(asked)  # once: another thread may empty the memory at any time
    if known is None:
        found = set()
        for key in keys:
            with suppress(VerificationError):
                envelope.verify([key], 1)
                found.add(key.keyid)
        if len(_PROVEN) >= MOST_PROVEN:
            _PROVEN.clear()
        known = _PROVEN[asked] = frozenset(found)
    return set(known)


def new_key(path: Path, passphrase: bytes | None = None) -> SSlibKey:
    """Make an Ed25519 key pair: PKCS #8 in `path` (mode 600), the public key beside it as `<stem>.pub.json`.

    Raises
    ------
    FileExistsError
        There is a file of that name; keys are never overwritten.
    """
    private = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    public = CryptoSigner(private).public_key
    write_public(public, path.with_suffix(".pub.json"))
    return public


def read_signer(path: Path, passphrase: Passphrase | None = None) -> CryptoSigner:
    """Open a private key.

    Raises
    ------
    KeyProblem
        Others may read the file, it is no Ed25519 key, or its passphrase is missing or wrong.
    OSError
        The file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        data = file.read()
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and DEMONSTRATION.encode() not in data:
        raise KeyProblem(f"{path} can be read or changed by others (mode {stat.S_IMODE(mode):o}): chmod 600 {path}")
    try:
        private = load_pem_private_key(data, passphrase() if passphrase and b"ENCRYPTED" in data else None)
    except (ValueError, TypeError) as error:
        raise KeyProblem(f"{path}: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyProblem(f"{path} is not an Ed25519 key")
    return CryptoSigner(private)


def write_public(key: Key, path: Path) -> None:
    """Write a public key with its id."""
    text = json.dumps({"keyid": key.keyid, **key.to_dict()}, indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")


def read_public(path: Path) -> SSlibKey:
    """Read a public key; its id must be the digest of its content, so that no key can take another's name.

    Raises
    ------
    KeyProblem
        No Ed25519 public key, or one under a false id.
    OSError
        The file cannot be read.
    """
    try:
        data = canonical.decode(path.read_bytes())
        claimed = data.pop("keyid")
        key = SSlibKey.from_dict(claimed, data)
        true_id = SSlibKey.from_crypto(key._crypto_key()).keyid
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise KeyProblem(f"{path}: no public key ({type(error).__name__}: {error})") from error
    if key.scheme != "ed25519":
        raise KeyProblem(f"{path}: {key.scheme} keys are not accepted, only ed25519")
    if claimed != true_id:
        raise KeyProblem(f"{path} claims the id {claimed[:16]}…, but its content has {true_id[:16]}…")
    return key
