r"""Digests of data sets and of workflow source trees.

Both are the SHA-256 of a manifest in the format of `sha256sum`: one line `<sha256>  <relative path>` per file, sorted
by the bytes of the path. Anyone can make that of a data set without this package, in its folder:
`find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`.
"""

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kimed_spe import canonical

SETTLED_NS = 2_000_000_000
"""Age of a file's last change from which on its digest is remembered: time stamps of file systems are coarser than
writes, so that a file changed twice within one step would look unchanged (git calls such entries racy)."""
_KNOWN: dict[tuple[int, ...], str] = {}
SKIPPED = ("__pycache__",)
"""Folders that hold nothing but what Python writes by itself; names that begin with a dot are skipped as well."""


class TreeProblem(ValueError):
    """A path that cannot be given a digest: `..`, a symbolic link, a FIFO, a name with a line break."""


@dataclass(frozen=True)
class Manifest:
    """Files and their digests.

    Attributes
    ----------
    files
        SHA-256 by path relative to the folder (or the name, if a single file was given).
    """

    files: Mapping[str, str]

    def text(self) -> str:
        """The manifest as `sha256sum` writes it."""
        return "".join(f"{self.files[name]}  {name}\n" for name in sorted(self.files, key=os.fsencode))

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return canonical.sha256(self.text().encode("utf-8", "surrogateescape"))


def read_manifest(path: Path, digest: str) -> Manifest:
    """Read a stored manifest and prove that it is the one of that digest.

    Raises
    ------
    TreeProblem
        It is missing, damaged or another one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TreeProblem(f"{path}: {error.strerror}") from error
    if canonical.sha256(data) != digest:
        raise TreeProblem(f"{path} is not the manifest {digest[:16]}…")
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    return Manifest({line[66:]: line[:64] for line in lines})


def plain_path(root: Path, path: str | Path) -> Path:
    """Absolute form of a path without symbolic links below `root` (below `/` for absolute ones).

    Raises
    ------
    TreeProblem
        It has `..`, or a component is a symbolic link.
    """
    pure = PurePosixPath(path)
    if ".." in pure.parts:
        raise TreeProblem(f"{path} has '..'")
    current = Path("/") if pure.is_absolute() else root.resolve()
    for part in pure.relative_to("/").parts if pure.is_absolute() else pure.parts:
        current /= part
        if current.is_symlink():
            raise TreeProblem(f"{current} is a symbolic link")
    return current


def dataset(path: Path) -> Manifest:
    """Manifest of a data set: all files below a folder, hidden ones too, or one file.

    Raises
    ------
    TreeProblem
        There is a symbolic link, FIFO, socket or device in it, or nothing at all.
    """
    mode = _mode(path)
    if stat.S_ISREG(mode):
        return Manifest({path.name: _hash(path)})
    if not stat.S_ISDIR(mode):
        raise TreeProblem(f"{path} is neither a file nor a folder")
    return Manifest({name: _hash(Path(file)) for name, file, _ in _files(str(path))})


def source_root(snakefile: Path) -> Path:
    """Folder that a workflow's sources are relative to.

    The nearest folder with `.git`; without one, the folder that holds `workflow/` or `workflows/` if the Snakefile is
    below such a folder (the layouts of Snakemake's documentation and of this project); else the Snakefile's folder.
    """
    folders = snakefile.resolve().parents
    for folder in folders:
        if (folder / ".git").exists():
            return folder
    for folder in folders:
        if folder.name in {"workflow", "workflows"}:
            return folder.parent
    return folders[0]


def workflow(root: Path, sources: list[str], exclude: list[str]) -> Manifest:
    """Manifest of a workflow's source tree, whether or not it is in version control.

    All regular files below `sources`, tracked or not, but for `exclude`, names that begin with a dot, and
    `__pycache__`: a new module beside a script would be imported by it, so a list of tracked files is not enough. A
    symbolic link counts as the text of its target, which must be a file of the tree itself.

    Raises
    ------
    TreeProblem
        A source is missing or outside `root`, or a link leads out of the tree.
    """
    root = root.resolve()
    left_out = {plain_path(root, name) for name in exclude}
    files: dict[str, str] = {}
    links: dict[str, Path] = {}
    for source in sources:
        start = plain_path(root, source)
        if stat.S_ISREG(_mode(start)):
            files[start.relative_to(root).as_posix()] = _hash(start)
            continue
        prefix = "" if start == root else f"{start.relative_to(root).as_posix()}/"
        for name, path, is_link in _files(str(start), {str(folder) for folder in left_out}):
            if is_link:
                links[prefix + name] = Path(path).resolve()
                files[prefix + name] = canonical.sha256(b"link\0" + os.fsencode(Path(path).readlink()))
            else:
                files[prefix + name] = _hash(Path(path))
    for name, target in links.items():
        inside = target.is_relative_to(root) and str(target.relative_to(root)) in files
        if not inside:
            raise TreeProblem(f"{name} is a symbolic link to {target}, which is no file of the workflow")
    return Manifest(files)


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError as error:
        raise TreeProblem(f"{path}: {error.strerror}") from error


def _hash(path: Path) -> str:
    """SHA-256 of a file, read again only if something about it changed; every job of a run asks.

    The change time (ctime) is the kernel's: unlike the modification time no account can set it back (utimensat(2)).
    """
    try:
        status = path.lstat()
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)
        if key in _KNOWN:
            return _KNOWN[key]
        settled = time.time_ns() - status.st_ctime_ns > SETTLED_NS
        digest = canonical.sha256_file(path)
    except (OSError, ValueError) as error:
        raise TreeProblem(f"{path} cannot be hashed: {error}") from error
    after = path.lstat()
    if settled and (after.st_ino, after.st_ctime_ns) == (status.st_ino, status.st_ctime_ns):
        _KNOWN[key] = digest
    return digest


def _files(folder: str, left_out: set[str] | None = None, prefix: str = "") -> Iterator[tuple[str, str, bool]]:
    """Files below a folder: relative name, path, whether it is a link.

    For data sets (`left_out` None) everything counts and links are refused.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise TreeProblem(f"{folder}: {error.strerror}") from error
    for entry in entries:
        if left_out is not None and (entry.name[0] == "." or entry.name in SKIPPED or entry.path in left_out):
            continue
        name = prefix + entry.name
        if "\n" in name or "\r" in name:
            raise TreeProblem(f"{name!r} has a line break in its name")
        if entry.is_symlink():
            if left_out is None:
                raise TreeProblem(f"{entry.path} is a symbolic link")
            yield name, entry.path, True
        elif entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, left_out, f"{name}/")
        elif entry.is_file(follow_symlinks=False):
            yield name, entry.path, False
        else:
            raise TreeProblem(f"{entry.path} is neither a file nor a folder")
