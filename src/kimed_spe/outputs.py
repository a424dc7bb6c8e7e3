"""Release-safe outputs: what a job leaves is taken over only if it is plain files and folders of them.

A job writes into an empty folder of its own that appears at the place of its outputs. When it has ended, the declared
outputs are looked at without following anything, and renamed to their place; whatever else it wrote is thrown away.
A symbolic link to another project's file, a FIFO that blocks the release, a hard link or a device never arrives.
"""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kimed_spe import canonical

STAMP = ".snakemake_timestamp"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
)


class UnsafeOutput(RuntimeError):
    """An output is something that must not be handed on."""


@dataclass(frozen=True)
class Digest:
    """What the register keeps of a file or folder.

    Attributes
    ----------
    sha256
        Of the content; of a folder, of its `<sha256>  <relative path>` lines (the manifest form of `trees`).
    size
        Bytes, of all files together.
    """

    sha256: str
    size: int


def check(path: Path, root: Path | None = None) -> None:
    """Refuse anything but regular files with one name, and folders of them.

    Parameters
    ----------
    path
        The output.
    root
        A folder that `path` must be in, without any symbolic link on the way.

    Raises
    ------
    UnsafeOutput
        With the path and the reason.
    """
    if root is not None:
        _check_way(path, root)
    for found, status in _walk(path):
        mode = status.st_mode
        for is_kind, name in _KINDS:
            if is_kind(mode):
                raise UnsafeOutput(f"{found} is {name}; outputs are regular files and folders of them")
        if mode & (stat.S_ISUID | stat.S_ISGID):
            raise UnsafeOutput(f"{found} is set-user-id or set-group-id")
        if stat.S_ISREG(mode) and status.st_nlink > 1:
            raise UnsafeOutput(f"{found} is a hard link: the same file has {status.st_nlink} names")


def _check_way(path: Path, root: Path) -> None:
    if ".." in path.parts or not path.is_relative_to(root):
        raise UnsafeOutput(f"{path} is not inside {root}")
    for parent in path.parents:
        if parent == root:
            return
        if parent.is_symlink():
            raise UnsafeOutput(f"{parent}, on the way to {path}, is a symbolic link")


def _walk(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    status = path.lstat()
    yield path, status
    if stat.S_ISDIR(status.st_mode):
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda entry: os.fsencode(entry.name)):
                yield from _walk(Path(entry.path))


def open_safely(path: Path) -> int:
    """Open a regular file for reading without following a link and without waiting for a FIFO's other end.

    Raises
    ------
    UnsafeOutput
        It is a link, or no regular file with one name.
    """
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        raise UnsafeOutput(f"{path} cannot be opened as a plain file: {error.strerror}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(descriptor)
        raise UnsafeOutput(f"{path} is no regular file with one name")
    return descriptor


def publish(staged: Path, final: Path) -> None:
    """Check an output and move it from the job's folder to its place.

    Raises
    ------
    UnsafeOutput
        It is not release-safe; it stays where it is.
    """
    check(staged)
    if final.is_dir() and not final.is_symlink():
        shutil.rmtree(final)
    try:
        staged.replace(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(staged, final)


def digest(path: Path) -> Digest:
    """SHA-256 and size of a file, or of a folder by its files' digests.

    Raises
    ------
    UnsafeOutput
        Something in it is not release-safe.
    """
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        with os.fdopen(open_safely(path), "rb") as file:
            return Digest(hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(file.fileno()).st_size)
    lines, size = [], 0
    for found, found_status in _walk(path):
        # Snakemake's stamp, which it puts into folders later; only an empty one, so that nothing can hide there.
        stamp = found == path / STAMP and not found_status.st_size
        if not stat.S_ISDIR(found_status.st_mode) and not stamp:
            part = digest(found)
            lines.append((os.fsencode(found.relative_to(path)), part.sha256))
            size += part.size
    text = b"".join(value.encode() + b"  " + name + b"\n" for name, value in sorted(lines))
    return Digest(canonical.sha256(text), size)


class Digests:
    """Digests of inputs, each file read once per run as long as nothing about it changes.

    The time of the last change of its inode is part of that: times of modification can be set back by anybody, this one
    by nobody without setting back the clock (utimensat(2)).
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Digest] = {}

    def of(self, path: Path) -> Digest:
        """Digest of what `path` leads to; inputs may be links (their target is what the job sees)."""
        real = path.resolve()
        status = real.stat()
        if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
            raise UnsafeOutput(f"{path} is no regular file")
        folder = stat.S_ISDIR(status.st_mode)
        key = tuple((str(found), *_state(each)) for found, each in _walk(real)) if folder else _state(status)
        if key not in self._known:
            if folder:
                self._known[key] = digest(real)
            else:
                with real.open("rb") as file:
                    self._known[key] = Digest(hashlib.file_digest(file, "sha256").hexdigest(), status.st_size)
        return self._known[key]


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
