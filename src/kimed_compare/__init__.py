"""Comparison of results file by file: what matched, how far apart, within which tolerance.

A package of its own, so that the SPE layer (`kimed_spe`) stays ignorant of genomes, cells and images: it names a
comparator and gets a verdict (docs/decisions/0011-comparators.md). Importing it is cheap; format libraries are imported
by the comparator that needs them when it is used.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimed_compare.alignments import Alignments
from kimed_compare.comparator import Comparator, Settings, ToleranceError, Unreadable
from kimed_compare.dicom import Dicom
from kimed_compare.encoding import digest
from kimed_compare.exact import Exact
from kimed_compare.folders import compare_folders, content_of_folder
from kimed_compare.h5ad import H5ad
from kimed_compare.image import Image
from kimed_compare.nifti import Nifti
from kimed_compare.table import Table
from kimed_compare.text import Html, Text
from kimed_compare.vcf import Vcf
from kimed_compare.verdict import Status, Verdict

__all__ = ["COMPARATORS", "Status", "ToleranceError", "Unreadable", "Verdict", "check", "compare", "fingerprint"]

COMPARATORS: Mapping[str, Comparator] = {
    comparator.name: comparator
    for comparator in (Exact(), Vcf(), Alignments(), Table(), H5ad(), Nifti(), Dicom(), Image(), Text(), Html())
}
"""Comparators by name. `measures` and `options` of each describe the keys that its tolerance may have."""


def check(comparator: str, tolerance: Mapping[str, Any]) -> Settings:
    """Take a tolerance apart into options and limits.

    Raises
    ------
    ToleranceError
        The comparator does not exist, has no such key, or the value is of another form.
    """
    if comparator not in COMPARATORS:
        raise ToleranceError(f"there is no comparator {comparator!r}; there are: {', '.join(COMPARATORS)}")
    return COMPARATORS[comparator].settings(tolerance)


def compare(comparator: str, reference: Path, found: Path, tolerance: Mapping[str, Any]) -> Verdict:
    """Compare a result with its reference, contents against contents.

    Parameters
    ----------
    comparator
        Name of one of `COMPARATORS`.
    reference, found
        Files of the comparator's format, or folders, which are compared file by file (paired by relative path; files
        that the comparator does not read, by bytes).
    tolerance
        Limits by measure and options, as in `outputs.yaml`; {} demands equality in everything looked at.

    Returns
    -------
    Verdict
        `IDENTICAL` if the fingerprints under the same options are equal; `WITHIN` if not, but every distance is at most
        its limit; else `DIFFERS`. `MISSING` if `found` does not exist. `NOT_COMPARABLE` if one of the two cannot be
        read, even if both have the same bytes: a damaged file is never a pass.

    Raises
    ------
    ToleranceError
        As `check`.
    """
    settings = check(comparator, tolerance)
    tool = COMPARATORS[comparator]
    if not (found.exists() and reference.exists()):
        missing = Verdict(Status.MISSING, details=(f"{found.name} does not exist",))
        nothing = Verdict(Status.NOT_COMPARABLE, details=(f"the reference {reference.name} does not exist",))
        return nothing if found.exists() else missing
    if reference.is_dir() != found.is_dir():
        kinds = ["a folder" if path.is_dir() else "a file" for path in (reference, found)]
        return Verdict(Status.DIFFERS, {"structure": 1.0}, {"structure": 0.0}, (f"{kinds[0]} became {kinds[1]}",))
    if reference.is_dir():
        return compare_folders(tool, COMPARATORS["exact"], reference, found, settings)
    try:
        contents = [tool.read(path, settings.options) for path in (reference, found)]
    except Unreadable as error:
        return Verdict(Status.NOT_COMPARABLE, details=(str(error),))
    if digest(contents[0]) == digest(contents[1]):
        return Verdict(Status.IDENTICAL, dict.fromkeys(settings.limits, 0.0), settings.limits)
    return tool.verdict(contents[0], contents[1], settings)


def fingerprint(comparator: str, path: Path, tolerance: Mapping[str, Any] | None = None) -> str:
    """Digest of a result's canonical content, which can be published without the content.

    Parameters
    ----------
    comparator, path
        As for `compare`.
    tolerance
        As for `compare`; only its options count, because they say what is looked at. Limits do not change it.

    Returns
    -------
    str
        `<comparator>:<sha256>`; equal for two files exactly if `compare` with the same options says `IDENTICAL`.

    Raises
    ------
    ToleranceError
        As `check`.
    Unreadable
        The file is missing, damaged or of another kind.
    """
    settings = check(comparator, tolerance or {})
    tool = COMPARATORS[comparator]
    if not path.exists():
        raise Unreadable(f"{path} does not exist")
    if path.is_dir():
        content = content_of_folder(tool, COMPARATORS["exact"], path, settings)
    else:
        content = tool.read(path, settings.options)
    looked_at = {name: value for name, value in settings.options.items() if not tool.options[name].place}
    return f"{comparator}:{digest({'options': looked_at, 'content': content})}"
