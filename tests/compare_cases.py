"""What single changes of results must lead to: used by the tests of all comparators."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from kimed_compare import Status, compare, fingerprint


class Case(NamedTuple):
    """Two files of one comparator: how each is made at a path, and under which tolerance they are compared."""

    comparator: str
    name: str
    reference: Callable[[Path], Path]
    found: Callable[[Path], Path]
    tolerance: dict


def both(case: Case, folder: Path) -> tuple[Path, Path]:
    for side in ("reference", "found"):
        (folder / side).mkdir()
    return case.reference(folder / "reference" / case.name), case.found(folder / "found" / case.name)


def see_mutation(case: Case, folder: Path) -> None:
    reference, found = both(case, folder)
    assert compare(case.comparator, reference, reference, case.tolerance).status is Status.IDENTICAL
    verdict = compare(case.comparator, reference, found, case.tolerance)
    assert verdict.status is Status.DIFFERS, verdict
    assert verdict.details
    assert any(verdict.distance.get(name, 0) > limit for name, limit in verdict.tolerance.items()), verdict
    prints = [fingerprint(case.comparator, path, case.tolerance) for path in (reference, found)]
    assert prints[0] != prints[1]
    assert compare(case.comparator, found, reference, case.tolerance).status is Status.DIFFERS


def see_nothing(case: Case, folder: Path) -> None:
    reference, found = both(case, folder)
    verdict = compare(case.comparator, reference, found, case.tolerance)
    assert verdict.status in (Status.IDENTICAL, Status.WITHIN), verdict
    prints = [fingerprint(case.comparator, path, case.tolerance) for path in (reference, found)]
    assert (prints[0] == prints[1]) == (verdict.status is Status.IDENTICAL)


def both_tests(mutations: dict[str, Case], harmless: dict[str, Case]) -> tuple[Callable, Callable]:
    """The two tests that every comparator has."""

    @pytest.mark.parametrize("case", mutations)
    def test_one_change_is_seen(case: str, tmp_path: Path) -> None:
        see_mutation(mutations[case], tmp_path)

    @pytest.mark.parametrize("case", harmless)
    def test_what_means_nothing_is_no_alarm(case: str, tmp_path: Path) -> None:
        see_nothing(harmless[case], tmp_path)

    return test_one_change_is_seen, test_what_means_nothing_is_no_alarm


def see_damage(comparator: str, path: Path) -> None:
    """Of a file that was cut off, nothing is a pass, not even against itself."""
    cut = path.with_name("cut") / path.name
    cut.parent.mkdir()
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    for reference, found in ((path, cut), (cut, path)):
        verdict = compare(comparator, reference, found, {})
        assert verdict.status in (Status.NOT_COMPARABLE, Status.DIFFERS), verdict
    assert compare(comparator, cut, cut, {}).status is Status.NOT_COMPARABLE


def packed(path: Path, make: Callable[[Path], Path], level: int) -> Path:
    """Gzipped, with another time for each level."""
    plain = make(path.with_name("plain"))
    with gzip.GzipFile(path, "wb", level, mtime=level) as file:
        file.write(plain.read_bytes())
    return path
