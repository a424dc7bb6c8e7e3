"""Folders, file by file."""

from pathlib import Path
from typing import Any

from kimed_compare.comparator import STRUCTURE, Comparator, Differences, Settings, Unreadable, judge
from kimed_compare.encoding import digest
from kimed_compare.verdict import Status, Verdict


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if not path.is_dir()}


def _tool(name: str, comparator: Comparator, otherwise: Comparator) -> Comparator:
    fits = not comparator.suffixes or name.lower().endswith(comparator.suffixes)
    return comparator if fits else otherwise


def content_of_folder(comparator: Comparator, otherwise: Comparator, folder: Path, settings: Settings) -> Any:
    """Digests of the contents of all files by relative path.

    Raises
    ------
    Unreadable
        One of them is, or there are none.
    """
    files = _files(folder)
    if not files:
        raise Unreadable(f"{folder} holds no file")
    tools = {name: _tool(name, comparator, otherwise) for name in files}
    return {name: digest(tools[name].read(path, settings.options)) for name, path in files.items()}


def compare_folders(
    comparator: Comparator, otherwise: Comparator, reference: Path, found: Path, settings: Settings
) -> Verdict:
    """Verdict over all files of two folders: the worst of its files, the largest of each distance."""
    sides = _files(reference), _files(found)
    together, limits = Differences(), dict(settings.limits)
    status = Status.IDENTICAL
    if not sides[0]:
        return Verdict(Status.NOT_COMPARABLE, details=("the reference folder holds no file",))
    for name in sorted(together.keys("file", *sides)):
        tool = _tool(name, comparator, otherwise)
        try:
            contents = [tool.read(side[name], settings.options) for side in sides]
        except Unreadable as error:
            return Verdict(Status.NOT_COMPARABLE, details=(f"{name}: {error}",))
        if digest(contents[0]) == digest(contents[1]):
            continue
        own = settings if tool is comparator else Settings({}, {})
        verdict = tool.verdict(contents[0], contents[1], own)
        status = Status.DIFFERS if Status.DIFFERS in (status, verdict.status) else Status.WITHIN
        for measure, amount in verdict.distance.items():
            together.add(measure, amount)
        together.details += [f"{name}: {detail}" for detail in verdict.details]
        limits |= verdict.tolerance
    if STRUCTURE in together.amounts:
        status, limits[STRUCTURE] = Status.DIFFERS, 0.0
    if status is Status.IDENTICAL:
        return Verdict(status, dict.fromkeys(settings.limits, 0.0), settings.limits)
    result = judge(together, limits, settings)
    return Verdict(status, result.distance, result.tolerance, result.details)
