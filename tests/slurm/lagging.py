"""A file system that shows what others wrote only after some seconds, as caches of network file systems do.

    python tests/slurm/lagging.py BACKING PLACE SECONDS FOLDER MORE_SECONDS

Two of these over one folder, one for the submitting machine and one in the mount namespace of the nodes, are two
clients of a server: each sees at once what it wrote itself, and new or renamed files of the other when their last
change of status (of folders, their birth: each new entry changes them) is SECONDS old, below FOLDER (relative to PLACE)
MORE_SECONDS, since caches of folders differ. Content and removals are seen at once, unlike on some real ones. Runs
until unmounted.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
import time
from pathlib import Path
from typing import Any

import mfusepy

# utimensat(2): in place of nanoseconds.
NOW, OMIT = (1 << 30) - 1, (1 << 30) - 2

LIBC = ctypes.CDLL(None, use_errno=True)
# statx(2): relative to the working directory, not following links, birth time asked for and its place in the answer.
AT_FDCWD, AT_SYMLINK_NOFOLLOW, STATX_BTIME, STATX_SIZE, BTIME = -100, 0x100, 0x800, 256, 80


def born(path: str) -> float:
    """Birth time of a file in seconds of the epoch; 0 where the file system does not tell."""
    answer = ctypes.create_string_buffer(STATX_SIZE)
    if LIBC.statx(AT_FDCWD, os.fsencode(path), AT_SYMLINK_NOFOLLOW, STATX_BTIME, answer):
        return 0.0
    seconds, nanoseconds = struct.unpack_from("=qI", answer, BTIME)
    return float(seconds) + float(nanoseconds) / 1e9


class Lagging(mfusepy.Operations):  # type: ignore[misc]
    """Passes everything through to a folder, but hides what is young and not its own."""

    use_ns = True

    def __init__(self, backing: str, seconds: float, folder: str, more: float) -> None:
        self.backing, self.seconds, self.folder, self.more = backing, seconds, f"/{folder}/", more
        self.own: set[str] = set()
        # Inodes of what was seen: it does not vanish when it is written to.
        self.known: dict[str, int] = {}

    def _path(self, path: str) -> str:
        return self.backing + path

    def _hidden(self, path: str) -> bool:
        if path == "/" or path in self.own:
            return False
        try:
            status = os.lstat(self._path(path))
        except OSError:
            return False
        since = (stat.S_ISDIR(status.st_mode) and born(self._path(path))) or status.st_ctime
        young = time.time() - since < (self.more if path.startswith(self.folder) else self.seconds)
        if not young:
            self.known[path] = status.st_ino
        return young and self.known.get(path) != status.st_ino

    def _seen(self, path: str) -> str:
        if self._hidden(path):
            raise mfusepy.FuseOSError(errno.ENOENT)
        return self._path(path)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        found = os.lstat(self._seen(path)) if fh is None else os.fstat(fh)
        names = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_rdev", "st_ino", "st_blocks")
        times = {name: getattr(found, f"{name}_ns") for name in ("st_atime", "st_mtime", "st_ctime")}
        return {name: getattr(found, name) for name in names} | times

    def readdir(self, path: str, fh: int) -> list[str]:
        names = os.listdir(self._seen(path))  # noqa: PTH208
        base = path.rstrip("/")
        return [".", "..", *(name for name in names if not self._hidden(f"{base}/{name}"))]

    def access(self, path: str, mode: int) -> int:
        if not os.access(self._seen(path), mode):
            raise mfusepy.FuseOSError(errno.EACCES)
        return 0

    def open(self, path: str, flags: int) -> int:
        return os.open(self._seen(path), flags)

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        self.own.add(path)
        return os.open(self._path(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        return os.pwrite(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        os.truncate(self._seen(path) if fh is None else fh, length)

    def fsync(self, path: str, datasync: int, fh: int) -> None:
        os.fsync(fh)

    def release(self, path: str, fh: int) -> None:
        os.close(fh)

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self.backing)
        return {name: getattr(found, name) for name in dir(found) if name.startswith("f_") and name != "f_fsid"}

    def mkdir(self, path: str, mode: int) -> None:
        os.mkdir(self._path(path), stat.S_IMODE(mode))  # noqa: PTH102
        self.own.add(path)

    def mknod(self, path: str, mode: int, dev: int) -> None:
        os.mknod(self._path(path), mode, dev)
        self.own.add(path)

    def rename(self, old: str, new: str, flags: int = 0) -> None:
        os.rename(self._seen(old), self._path(new))  # noqa: PTH104
        moved = {path for path in self.own if path == old or path.startswith(f"{old}/")}
        self.own -= moved
        self.own |= {new} | {new + path[len(old) :] for path in moved}

    def unlink(self, path: str) -> None:
        os.unlink(self._path(path))  # noqa: PTH108
        self.own.discard(path)

    def rmdir(self, path: str) -> None:
        os.rmdir(self._path(path))  # noqa: PTH106
        self.own.discard(path)

    def symlink(self, target: str, source: str) -> None:
        os.symlink(source, self._path(target))  # noqa: PTH211
        self.own.add(target)

    def link(self, target: str, source: str) -> None:
        os.link(self._seen(source), self._path(target))
        self.own.add(target)

    def readlink(self, path: str) -> str:
        return os.readlink(self._seen(path))  # noqa: PTH115

    def chmod(self, path: str, mode: int) -> None:
        os.chmod(self._seen(path), mode)  # noqa: PTH101

    def chown(self, path: str, uid: int, gid: int) -> None:
        os.chown(self._seen(path), uid, gid)

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        real = self._seen(path)
        now, old = time.time_ns(), os.stat(real)  # noqa: PTH116
        special = {NOW: (now, now), OMIT: (old.st_atime_ns, old.st_mtime_ns)}
        given = times or (NOW, NOW)
        os.utime(real, ns=tuple(special.get(value, (value, value))[place] for place, value in enumerate(given)))


def main() -> None:
    backing, place, seconds, folder, more = sys.argv[1:]
    # No caches of the kernel, which would know nothing of what the other client does.
    mfusepy.FUSE(
        Lagging(str(Path(backing).resolve()), float(seconds), folder, float(more)), place, foreground=True,
        nothreads=True, default_permissions=True, allow_other=True, attr_timeout=0, entry_timeout=0,
        negative_timeout=0,
    )  # fmt: skip


if __name__ == "__main__":
    main()
