"""What every comparator has: a reading of a file as canonical content, measures with limits, and options.

*Options* say what is looked at (keys of a table, tags to ignore) and are part of a fingerprint. *Measures* say how far
two contents are apart and carry limits; they are not. Both stand together in a workflow's `tolerance`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, ClassVar

from kimed_compare.verdict import Status, Verdict

MOST_DETAILS = 24
"""Differences that a verdict tells in words."""
STRUCTURE = "structure"
"""Measure of what no tolerance covers: a missing column, another sample set, another shape. Its limit is always 0."""


class ToleranceError(ValueError):
    """An unknown comparator or tolerance key, or a value that the key cannot have; names both and what is known."""


class Unreadable(ValueError):
    """The file is not what its comparator reads, or is damaged; names file and reason."""


@dataclass(frozen=True)
class Measure:
    """A distance; 0 is equal.

    Attributes
    ----------
    meaning
        What is measured, with unit.
    group
        Measures of a group are alternatives: those with a stated limit judge; if none has one, all must be 0.
    """

    meaning: str
    group: str

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a limit."""
        return {"description": self.meaning, "type": "number", "minimum": 0}


@dataclass(frozen=True)
class Option:
    """What is looked at.

    Attributes
    ----------
    meaning
        For people.
    default
        What holds if it is not stated.
    form
        JSON Schema of its values, one of the forms below.
    """

    meaning: str
    default: Any
    form: Mapping[str, Any]
    place: bool = False
    """It names a file that reading needs, not content: no part of fingerprints."""

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the option."""
        return {"description": self.meaning, **self.form}


NAMES: Mapping[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
SWITCH: Mapping[str, Any] = {"type": "boolean"}
TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
WHOLE: Mapping[str, Any] = {"type": "integer", "minimum": 1}


@dataclass(frozen=True)
class Settings:
    """A tolerance, taken apart.

    Attributes
    ----------
    options
        Every option of the comparator, stated or default.
    limits
        Stated limits by measure.
    """

    options: Mapping[str, Any]
    limits: Mapping[str, float]


@dataclass
class Differences:
    """What a comparison finds.

    Attributes
    ----------
    amounts
        Largest distance by measure.
    details
        In words.
    """

    amounts: dict[str, float] = field(default_factory=dict)
    details: list[str] = field(default_factory=list)

    def add(self, measure: str, amount: float, detail: str | None = None) -> None:
        """Note a distance; the largest of a measure counts. Infinite ones (NaN against a number) are kept."""
        self.amounts[measure] = max(self.amounts.get(measure, 0.0), float(amount))
        if detail and amount > 0:
            self.details.append(detail)

    def structure(self, detail: str) -> None:
        """Note a difference that no tolerance covers."""
        self.amounts[STRUCTURE] = self.amounts.get(STRUCTURE, 0.0) + 1
        self.details.insert(int(self.amounts[STRUCTURE]) - 1, detail)

    def keys(self, what: str, reference: Iterable[str], found: Iterable[str]) -> set[str]:
        """Note names that one side lacks; gives those that both have."""
        first, second = set(reference), set(found)
        for name in sorted(first - second):
            self.structure(f"{what} {name} is missing")
        for name in sorted(second - first):
            self.structure(f"{what} {name} is new")
        return first & second


class Comparator(ABC):
    """Compares files of one kind.

    Contents are built of None, bool, int, float, str, bytes, tuples, lists, dicts and NumPy arrays, so that
    `kimed_compare.encoding.digest` gives equal digests exactly to equal contents.
    """

    name: ClassVar[str]
    meaning: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Ends of file names in folders that this comparator reads; files with other ends are compared byte by byte."""
    measures: ClassVar[Mapping[str, Measure]] = {}
    options: ClassVar[Mapping[str, Option]] = {}

    @abstractmethod
    def read(self, path: Path, options: Mapping[str, Any]) -> Any:
        """Canonical content: equal for two files if and only if they are the same in everything looked at.

        Raises
        ------
        Unreadable
            The file is damaged or of another kind.
        """

    @abstractmethod
    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:
        """Distances between two contents that are not equal."""

    def settings(self, tolerance: Mapping[str, Any]) -> Settings:
        """Take a tolerance apart.

        Raises
        ------
        ToleranceError
            A key or value is not of this comparator.
        """
        known = (*self.measures, *self.options)
        options = {name: option.default for name, option in self.options.items()}
        limits = {}
        for name, value in tolerance.items():
            if name in self.measures:
                if isinstance(value, bool) or not isinstance(value, int | float) or not (0 <= value < inf):
                    raise ToleranceError(f"tolerance {name} of {self.name}: {value!r} is no number of at least 0")
                limits[name] = float(value)
            elif name in self.options:
                self.check_option(name, value)
                options[name] = value
            else:
                raise ToleranceError(f"{self.name} has no tolerance {name!r}; it has: {', '.join(known) or 'none'}")
        return Settings(options, limits)

    def check_option(self, name: str, value: Any) -> None:
        """Refuse a value that does not have the option's form.

        Raises
        ------
        ToleranceError
            With the reason.
        """
        import jsonschema  # noqa: PLC0415 - importing this package is cheap

        error = jsonschema.exceptions.best_match(
            jsonschema.Draft202012Validator(self.options[name].schema()).iter_errors(value)
        )
        if error:
            raise ToleranceError(f"tolerance {name} of {self.name}: {error.message}")

    def verdict(self, reference: Any, found: Any, settings: Settings) -> Verdict:
        """Judge two contents that are not equal."""
        differences = self.differences(reference, found, settings)
        return judge(differences, self.limits(settings, differences), settings)

    def limits(self, settings: Settings, differences: Differences) -> dict[str, float]:
        """Limits by measure: the stated ones, and 0 for the measures of groups in which none is stated."""
        groups = {self.measures[name].group for name in settings.limits}
        limits = {name: 0.0 for name, measure in self.measures.items() if measure.group not in groups}
        limits.update(settings.limits)
        if STRUCTURE in differences.amounts:
            limits[STRUCTURE] = 0.0
        return limits

    def schema(self) -> dict[str, Any]:
        """JSON Schema of this comparator's tolerance, as `outputs.schema.json` holds it."""
        properties = {name: measure.schema() for name, measure in self.measures.items()}
        properties |= {name: option.schema() for name, option in self.options.items()}
        return {"description": self.meaning, "type": "object", "additionalProperties": False, "properties": properties}


def judge(differences: Differences, limits: Mapping[str, float], settings: Settings) -> Verdict:
    """Verdict over distances; contents are known to be unequal, so the best is `WITHIN`."""
    beyond = [name for name, limit in limits.items() if differences.amounts.get(name, 0.0) > limit]
    details = differences.details
    if len(details) > MOST_DETAILS:
        details = [*details[:MOST_DETAILS], f"and {len(details) - MOST_DETAILS} more"]
    return Verdict(
        status=Status.DIFFERS if beyond else Status.WITHIN,
        distance=dict(sorted(differences.amounts.items())),
        tolerance={
            name: limits[name] for name in sorted({*settings.limits, *beyond, *differences.amounts} & {*limits})
        },
        details=tuple(details) or ("equal in every measure, but not in content",),
    )
