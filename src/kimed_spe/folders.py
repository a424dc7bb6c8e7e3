"""The folders of boxes, used again as long as a job left nothing in them.

A box needs some ten folders and files. Where they were deleted a moment ago, ext4 passes over their inodes for a while
(`recently_deleted` in fs/ext4/ialloc.c): at twenty jobs per second that search was a fifth of all processor time
of a run (18 of 100 samples of `perf`).
"""

import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SHARED = Path("/tmp")  # noqa: S108 - the box's own
TMP, ARGUMENTS, LAUNCH, PIDS = "tmp", "args", "launch", "pids"
STAGE = "out"


class Folders:
    """Folders below one parent, each of one box at a time.

    Parameters
    ----------
    parent
        Where they are.

    Attributes
    ----------
    common
        Names of folders in `/tmp` of every box of the run: places below them are mounted in each.
    """

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self.common: frozenset[str] = frozenset()
        self.free: list[str] = []

    def take(self, name: str) -> Path:
        """An empty folder for the box of this name; the name of an earlier one where its folder is used again."""
        with suppress(IndexError):
            folder = self.parent / self.free.pop()
            # Its processes have ended, and their numbers may belong to others by now. A job that was refused had none.
            (folder / PIDS).write_bytes(b"")
            return folder
        shutil.rmtree(self.parent / name, ignore_errors=True)
        return self.parent / name

    def give_back(self, folder: Path, groups: Iterable[Path]) -> None:
        """Keep the folder for another box, or delete it.

        Parameters
        ----------
        folder
            Of a box whose job has ended.
        groups
            The control groups of the job. Only that they could be removed proves that no process of it is left which
            could still write here; a job without groups leaves no proof.
        """
        gone = [not group.exists() for group in groups]
        if gone and all(gone) and self._blank(folder):
            self.free.append(folder.name)
        else:
            shutil.rmtree(folder, ignore_errors=True)

    def _blank(self, folder: Path) -> bool:
        """Whether it is as if newly made: no content, mode, attribute or time by which a job could tell another."""
        try:
            mode = stat.S_IMODE(folder.lstat().st_mode)
            own = [place for place in folder.iterdir() if place.name not in (ARGUMENTS, LAUNCH, PIDS)]
            if not all(place.name == TMP or place.name.startswith(STAGE) for place in own):
                return False
            for place in own:
                kept = list(place.iterdir())
                if kept and not (place.name == TMP and self.common.issuperset(one.name for one in kept)):
                    return False
                if not all(_untouched(one, mode) and not any(one.iterdir()) for one in kept):
                    return False
                if not _untouched(place, mode):
                    return False
        except OSError:
            return False
        return True


def common_names(places: Iterable[Path]) -> frozenset[str]:
    """Names in `/tmp` under which places are, whose folders bubblewrap makes in every box."""
    return frozenset(
        place.relative_to(SHARED).parts[0] for place in places if place != SHARED and place.is_relative_to(SHARED)
    )


def _untouched(folder: Path, mode: int) -> bool:
    status = folder.lstat()
    plain = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == mode
    if not plain or os.listxattr(folder, follow_symlinks=False):
        return False
    os.utime(folder, follow_symlinks=False)
    return True
