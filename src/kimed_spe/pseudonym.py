"""Pseudonyms as a trust centre makes them: keyed, per project, one-way for everybody without the key.

Every project is a domain with a key of its own, derived from the trust centre's master key. A pseudonym is HMAC-SHA256
(RFC 2104) of the identifier under the domain's key, in base32 (RFC 4648) with a check character (ISO/IEC 7064
MOD 37,36). Two projects' pseudonyms of one person have nothing in common, so joining them joins nobody.
"""

import base64
import hmac
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTH = 16
"""Base32 characters before the check character: 80 bits, one collision expected among 10^12 identifiers."""
MASTER_BYTES = 32
LARGEST_SHIFT = 365
"""Days; a shift is never 0 and the same for all dates of a patient, so that intervals stay true."""
COLUMNS = ("identifier", "pseudonym", "uid_key", "date_shift_days")
"""Columns of a linkage file, the contract with ingest rules (docs/spe/admin.md)."""


def check_character(text: str) -> str:
    """Check character of ISO/IEC 7064 MOD 37,36 (hybrid system) for letters A to Z and digits.

    It finds every single wrong character and nearly every swap of two neighbours.
    """
    product = 36
    for character in text:
        total = (product + ALPHABET.index(character)) % 36 or 36
        product = total * 2 % 37
    return ALPHABET[(37 - product) % 36]


def valid(pseudonym: str) -> bool:
    """Whether a pseudonym has been copied without error."""
    body, check = pseudonym[:-1], pseudonym[-1:]
    return bool(body) and set(pseudonym) <= set(ALPHABET) and check_character(body) == check


def normalised(identifier: str) -> str:
    """One spelling per identifier: Unicode NFC, without white space around it.

    Raises
    ------
    ValueError
        Nothing is left, or it has a tab or line break, which a linkage file cannot hold.
    """
    text = unicodedata.normalize("NFC", identifier).strip()
    if not text or any(character in text for character in "\t\r\n"):
        raise ValueError(f"an identifier must have characters, and no tab or line break (found {identifier!r})")
    return text


@dataclass(frozen=True)
class Domain:
    """The pseudonyms of one project.

    Attributes
    ----------
    name
        The project.
    key
        The domain's key; never leaves the trust centre.
    """

    name: str
    key: bytes = field(repr=False)

    @classmethod
    def derive(cls, master: bytes, name: str) -> "Domain":
        """The domain of a project, from the trust centre's master key."""
        return cls(name, _mac(master, "domain", name))

    def pseudonym(self, identifier: str) -> str:
        """Pseudonym of an identifier of a person, a sample or a study."""
        digest = _mac(self.key, "pseudonym", normalised(identifier))
        body = base64.b32encode(digest[: LENGTH * 5 // 8]).decode()
        return body + check_character(body)

    def uid_key(self, patient: str) -> str:
        """Key with which ingest jobs replace the unique identifiers (DICOM) of one patient."""
        return _mac(self.key, "uid", normalised(patient)).hex()

    def date_shift(self, patient: str) -> int:
        """Days to add to all dates of one patient: 1 to 365, or -365 to -1."""
        number = int.from_bytes(_mac(self.key, "shift", normalised(patient))[:8]) % (2 * LARGEST_SHIFT)
        return number - LARGEST_SHIFT if number < LARGEST_SHIFT else number - LARGEST_SHIFT + 1


@dataclass(frozen=True)
class Link:
    """One row of a linkage file.

    Attributes
    ----------
    identifier, pseudonym
        What an ingest job finds, and what it writes instead.
    uid_key
        Key for unique identifiers of the patient's images.
    date_shift
        Days to add to the patient's dates.
    """

    identifier: str
    pseudonym: str
    uid_key: str
    date_shift: int


def links(domain: Domain, patients: Mapping[str, str], pseudonyms: Mapping[str, str]) -> list[Link]:
    """Rows of a linkage file.

    Parameters
    ----------
    patients
        Patient by identifier (a patient's own identifier belongs to itself): they share date shift and UID key.
    pseudonyms
        Pseudonym by identifier, from this trust centre or from another service.
    """
    return [
        Link(name, pseudonyms[name], domain.uid_key(patient), domain.date_shift(patient))
        for name, patient in sorted(patients.items())
    ]


def linkage_file(rows: Iterable[Link]) -> str:
    """Text of a linkage file: tab-separated, with a header, sorted by identifier."""
    lines = ["\t".join(COLUMNS)]
    lines += [f"{row.identifier}\t{row.pseudonym}\t{row.uid_key}\t{row.date_shift}" for row in rows]
    return "\n".join(lines) + "\n"


def new_master() -> bytes:
    """A master key from the operating system's random numbers."""
    return secrets.token_bytes(MASTER_BYTES)


def links_key(master: bytes, name: str) -> bytes:
    """Key under which the trust centre stores a domain's links (Fernet wants URL-safe base64)."""
    return base64.urlsafe_b64encode(_mac(master, "links", name))


def _mac(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA256 over parts that cannot run into each other."""
    message = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return hmac.digest(key, message, "sha256")
