"""The trust centre's own store: domains, encrypted links, and a register of everything it did. Not part of an SPE.

The master key is a file of its own, kept apart from the store. Nothing of this folder may reach the machines on which
workflows run; they get linkage files, one per project, and only ingest rules declare those as input.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken

from kimed_spe import canonical, pseudonym
from kimed_spe.register import Register


class TrustCentreError(ValueError):
    """The trust centre cannot do what was asked."""


class PseudonymService(Protocol):
    """Who gives pseudonyms: this trust centre, gPAS, Mainzelliste, or another service (docs/spe/admin.md)."""

    def issue(self, domain: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Pseudonym by identifier; the same again when asked again."""
        ...

    def resolve(self, domain: str, name: str) -> str:
        """The identifier behind a pseudonym."""
        ...


class TrustCentre:
    """A store in a folder. It is a `PseudonymService`.

    Parameters
    ----------
    folder
        `links/<project>` (encrypted) and `register/`.
    key_file
        The master key, outside `folder`.

    Raises
    ------
    TrustCentreError
        The key is missing, readable by others, inside the store, or damaged.
    """

    def __init__(self, folder: Path, key_file: Path) -> None:
        self.folder = folder
        self.register = Register(folder / "register")
        if key_file.resolve().is_relative_to(folder.resolve()):
            raise TrustCentreError(f"{key_file} is inside the store that it protects: move it elsewhere")
        try:
            mode = key_file.stat().st_mode
            self._master = bytes.fromhex(key_file.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise TrustCentreError(f"master key {key_file}: {error}") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise TrustCentreError(f"{key_file} can be read by others: chmod 600 {key_file}")
        if len(self._master) != pseudonym.MASTER_BYTES:
            raise TrustCentreError(f"{key_file} holds {len(self._master)} bytes, not {pseudonym.MASTER_BYTES}")

    @classmethod
    def create(cls, folder: Path, key_file: Path) -> "TrustCentre":
        """Make the master key (mode 600) and an empty store.

        Raises
        ------
        FileExistsError
            The key is there: it is never replaced, because all pseudonyms depend on it.
        """
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(pseudonym.new_master().hex() + "\n")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(folder, key_file)

    def domains(self) -> dict[str, str]:
        """Purpose by project, as recorded."""
        recorded = self.register.of_kind("pseudonym.domain")
        return {entry.content["domain"]: entry.content["purpose"] for entry in recorded}

    def add_domain(self, name: str, purpose: str) -> None:
        """Open a domain and record it.

        Raises
        ------
        TrustCentreError
            There is one of this name, or the name is no file name.
        """
        if name in self.domains():
            raise TrustCentreError(f"there is a domain {name}; one project has one")
        if not name or not all(character.isalnum() or character in "._-" for character in name) or name[0] == ".":
            raise TrustCentreError(f"{name!r} is no project name: letters, digits, '.', '_', '-'")
        self.register.append("pseudonym.domain", {"domain": name, "purpose": purpose})

    def domain(self, name: str) -> pseudonym.Domain:
        """The domain of a project.

        Raises
        ------
        TrustCentreError
            There is none of this name.
        """
        if name not in self.domains():
            raise TrustCentreError(f"no domain {name}: `spe pseudonym init --project {name}` opens one")
        return pseudonym.Domain.derive(self._master, name)

    def issue(self, domain: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Pseudonym by identifier; new ones are stored (encrypted) and counted in the register.

        Raises
        ------
        TrustCentreError
            No such domain, or two identifiers would get one pseudonym.
        """
        opened = self.domain(domain)
        stored = self._stored(domain)
        owners = {name: identifier for identifier, name in stored.items()}
        issued: dict[str, str] = {}
        for identifier in identifiers:
            name = opened.pseudonym(identifier)
            owner = owners.setdefault(name, pseudonym.normalised(identifier))
            if owner != pseudonym.normalised(identifier):
                raise TrustCentreError(
                    f"two identifiers of {domain} would share the pseudonym {name}: nothing was issued"
                )
            issued[identifier] = name
        new = {pseudonym.normalised(text): name for text, name in issued.items()}
        fresh = {text: name for text, name in new.items() if text not in stored}
        if fresh:
            self._store(domain, fresh)
        self.register.append("pseudonym.issued", {"domain": domain, "asked": len(issued), "new": len(fresh)})
        return issued

    def resolve(self, domain: str, name: str) -> str:
        """The identifier behind a pseudonym.

        Raises
        ------
        TrustCentreError
            It was mistyped, or not issued here for this project.
        """
        self.domain(domain)
        if not pseudonym.valid(name):
            raise TrustCentreError(f"{name} is no pseudonym: its check character does not fit")
        for identifier, issued in self._stored(domain).items():
            if issued == name:
                return identifier
        raise TrustCentreError(f"{name} was not issued for {domain}")

    def _stored(self, domain: str) -> dict[str, str]:
        path = self.folder / "links" / domain
        if not path.exists():
            return {}
        cipher = Fernet(pseudonym.links_key(self._master, domain))
        found: dict[str, str] = {}
        for number, token in enumerate(path.read_bytes().split(), 1):
            try:
                found.update(canonical.decode(cipher.decrypt(token)))
            except InvalidToken as error:
                raise TrustCentreError(f"{path}: block {number} is damaged or of another master key") from error
        return found

    def _store(self, domain: str, new: Mapping[str, str]) -> None:
        path = self.folder / "links" / domain
        path.parent.mkdir(mode=0o700, exist_ok=True)
        token = Fernet(pseudonym.links_key(self._master, domain)).encrypt(canonical.encode(dict(new)))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(token + b"\n")
            file.flush()
            os.fsync(descriptor)
