"""What an administrator fixed for the whole machine, so that nobody can point a run at a trust store of his own.

`/etc/kimed/spe.json`, owned by root, may name `trust`, `register`, `permit`, `certificate_key` and `software_paths`.
What it names wins over the variables KIMED_TRUST, KIMED_REGISTER, KIMED_PERMIT and KIMED_CERTIFICATE_KEY; a variable
that says otherwise is an error, not ignored. Where it is, KIMED_SOFTWARE_PATHS can open no folder that it does not
name. Without the file (a laptop, a demonstration) the variables and the defaults count.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from kimed_spe import canonical

FILE = Path("/etc/kimed/spe.json")
OWNER = 0
"""User id that must own the file."""
NAMES = {"trust", "register", "permit", "certificate_key", "software_paths", "publisher"}


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


def software_paths(environment: Mapping[str, str]) -> list[Path]:
    """Further folders of software, colon-separated: as the site fixed them, else as KIMED_SOFTWARE_PATHS says.

    Raises
    ------
    SiteError
        The variable names folders that the site does not: every job would see what is in them.
    """
    wished = environment.get("KIMED_SOFTWARE_PATHS", "")
    decided = fixed().get("software_paths", "")
    if FILE.exists() and wished not in ("", decided):
        raise SiteError(f"KIMED_SOFTWARE_PATHS is {wished}, but this site has {decided or 'none'} ({FILE}): unset it")
    return [Path(name) for name in (decided or wished).split(":") if name]
