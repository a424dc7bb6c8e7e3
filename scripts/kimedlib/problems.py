"""One way to say what is wrong with an input: all problems at once, each with place and remedy."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing a user has to mend.

    Attributes
    ----------
    file
        The file that is wrong (or that names the missing one).
    place
        Line, column, field or key inside `file`; empty if the file as a whole is meant.
    found
        What is there and why it cannot be used.
    remedy
        What to do about it.
    """

    file: str
    place: str
    found: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.place}" if self.place else self.file
        return f"{where}: {self.found}\n      -> {self.remedy}"


class InputProblems(ValueError):
    """Raised with every problem found, in file and line order, never only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        lines = [f"  {number}. {problem}" for number, problem in enumerate(self.problems, 1)]
        super().__init__("\n".join([f"{count} problem{'s' * (count > 1)} with the input:", *lines]))


def raise_if(problems: Iterable[Problem]) -> None:
    """Raise `InputProblems` if there is any.

    Raises
    ------
    InputProblems
        With all of `problems`.
    """
    found = list(problems)
    if found:
        raise InputProblems(found)
