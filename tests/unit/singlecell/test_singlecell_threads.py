"""Processes for libraries that hold up other threads."""

import pytest

from kimedlib.singlecell_threads import in_processes


def test_processes_return_in_order_and_a_failure_is_not_swallowed(capfd):
    assert in_processes(lambda number: number**2, range(7), 3) == [number**2 for number in range(7)]
    with pytest.raises(ChildProcessError, match="1 of 2"):
        in_processes(lambda number: 1 // number, [0, 1], 2)
    assert "ZeroDivisionError" in capfd.readouterr().err
