"""What an administrator fixed for the whole machine, so that nobody can point a run at a trust store of his own.

`/etc/kimed/spe.json`, owned by root, may name `trust`, `register` and `permit`. What it names wins over the variables
KIMED_TRUST, KIMED_REGISTER and KIMED_PERMIT; a variable that says otherwise is an error, not ignored. Without the file
(a laptop, a demonstration) the variables and the defaults count.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from kimed_spe import canonical

FILE = Path("/etc/kimed/spe.json")
OWNER = 0
"""User id that must own the file."""
NAMES = {"trust", "register", "permit"}


class SiteError(ValueError):
    """The file cannot be relied on, or a variable contradicts it."""


def fixed() -> dict[str, str]:
    """What the file names; empty if there is none.

    Raises
    ------
    SiteError
        Somebody else could have written it, or it is no such document.
    """
    try:
        with FILE.open("rb") as file:
            status = os.fstat(file.fileno())
            data = canonical.decode(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SiteError(f"{FILE}: {error}") from error
    if status.st_uid != OWNER or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SiteError(f"{FILE} must belong to root and be writable by nobody else")
    if (
        not isinstance(data, dict)
        or not set(data) <= NAMES
        or not all(str(path).startswith("/") for path in data.values())
    ):
        raise SiteError(f"{FILE} may hold absolute paths for {', '.join(sorted(NAMES))} and nothing else")
    return dict(data)


def place(name: str, default: Path, environment: Mapping[str, str] | None = None) -> Path:
    """The path of a thing: as the site fixed it, else as the variable `KIMED_<NAME>` says, else the default.

    Raises
    ------
    SiteError
        The variable contradicts the site.
    """
    variable = f"KIMED_{name.upper()}"
    wished = (os.environ if environment is None else environment).get(variable)
    decided = fixed().get(name)
    if decided and wished and Path(wished) != Path(decided):
        raise SiteError(f"{variable} is {wished}, but this site has {decided} ({FILE}): unset {variable}")
    return Path(decided or wished or default)
