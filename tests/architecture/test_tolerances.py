"""Tolerances are earned by observed spread, or somebody has written down why they are larger."""

import pytest

from architecture.model import REPOSITORY, WORKFLOWS
from kimed_spe import declared, spread


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_tolerance_is_earned_or_justified(workflow: str):
    folder = REPOSITORY / "workflows" / workflow
    assert spread.unearned(declared.load(folder / "outputs.yaml"), spread.read(folder)) == []


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_spread_is_of_outputs_that_are_declared(workflow: str):
    folder = REPOSITORY / "workflows" / workflow
    known = {item.path for item in declared.load(folder / "outputs.yaml")}
    assert set(spread.read(folder)) <= known


def output(justification: str = "", **tolerance: float) -> declared.DeclaredOutput:
    return declared.DeclaredOutput("results/x/a.bin", "What it is", "open", "exact", tolerance, justification)


@pytest.mark.parametrize(
    ("observed", "limit", "earned"),
    [(0.01, 0.1, True), (0.01, 0.11, False), (0.0, 1e-9, False), (None, 1e-9, False), ("infinite", 0.1, False)],
)
def test_ten_times_the_spread_is_earned_and_no_more(observed: float | str | None, limit: float, earned: bool):
    seen = {} if observed is None else {"results/x/a.bin": spread.Observed(False, 1, {"bytes": observed})}
    assert (spread.unearned([output(bytes=limit)], seen) == []) == earned
    assert spread.unearned([output("Said why at length", bytes=limit)], seen) == []
