"""BagIt packages (RFC 8493) with SHA-512: a folder that shows whether any of its files was changed, added or lost.

The reference library is published without a wheel, so these few lines are ours; tests judge them with sha512sum.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from kimed_spe.canonical import BLOCK

PAYLOAD = "data"
MANIFEST = "manifest-sha512.txt"
TAGS = "tagmanifest-sha512.txt"
DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def digest(path: Path) -> str:
    """SHA-512 of a file, in hexadecimal."""
    value = hashlib.sha512()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            value.update(block)
    return value.hexdigest()


def close(folder: Path, info: Mapping[str, str]) -> None:
    """Make a folder with a payload in `data/` a bag.

    Parameters
    ----------
    info
        Fields of bag-info.txt (section 2.2.2); Payload-Oxum is added.
    """
    payload = _files(folder / PAYLOAD)
    size = sum(path.stat().st_size for path in payload)
    fields = {**info, "Payload-Oxum": f"{size}.{len(payload)}"}
    (folder / "bagit.txt").write_text(DECLARATION, encoding="utf-8")
    (folder / "bag-info.txt").write_text(
        "".join(f"{key}: {value}\n" for key, value in fields.items()), encoding="utf-8"
    )
    _write(folder, MANIFEST, payload)
    seal(folder)


def seal(folder: Path) -> None:
    """Write the manifest of tag files: everything outside of the payload."""
    tags = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != TAGS]
    _write(folder, TAGS, tags)


def problems(folder: Path) -> list[str]:
    """Everything that shows a bag to be incomplete or changed, each with its file; empty for an intact one."""
    found = []
    for name, files in ((MANIFEST, _files(folder / PAYLOAD)), (TAGS, _tags(folder))):
        try:
            lines = (folder / name).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            found.append(f"{name} cannot be read: {error}")
            continue
        listed = {_decoded(path): value for value, _, path in (line.partition("  ") for line in lines)}
        present = {path.relative_to(folder).as_posix(): path for path in files}
        found += [f"{path} is missing" for path in sorted(set(listed) - set(present))]
        found += [f"{path} was added: {name} does not list it" for path in sorted(set(present) - set(listed))]
        for path in sorted(set(listed) & set(present)):
            if present[path].is_symlink() or digest(present[path]) != listed[path]:
                found.append(f"{path} was changed: its SHA-512 is not the one in {name}")
    return found


def _write(folder: Path, name: str, files: list[Path]) -> None:
    lines = [f"{digest(path)}  {_encoded(path.relative_to(folder).as_posix())}\n" for path in files]
    (folder / name).write_text("".join(lines), encoding="utf-8")


def _tags(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.is_dir() and path.name != TAGS]


def _files(folder: Path) -> list[Path]:
    found = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return sorted(found, key=os.fsencode)


def _encoded(path: str) -> str:
    """Line breaks and percent signs as section 2.1.3 wants them."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _decoded(path: str) -> str:
    return path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
