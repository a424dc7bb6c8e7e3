"""Processes and threads beside the own one."""

import os

import pytest

from kimedlib.singlecell_threads import in_order, in_processes, started


def test_processes_return_in_order_and_a_failure_is_not_swallowed(capfd):
    assert in_processes(lambda number: number**2, range(7), 3) == [number**2 for number in range(7)]
    with pytest.raises(ChildProcessError, match="1 of 2"):
        in_processes(lambda number: 1 // number, [0, 1], 2)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_started_process_gives_its_result_later_and_a_failure_is_not_swallowed(capfd):
    own = os.getpid()
    result = started(os.getpid)
    assert result() != own
    assert started(os.getpid, processes=1)() == own
    failing = started(lambda: 1 // 0)
    with pytest.raises(ChildProcessError, match="failed"):
        failing()
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_keep_the_order_and_few_items_are_taken_ahead(threads):
    taken = []

    def items():
        for number in range(20):
            taken.append(number)
            yield number

    for done, square in enumerate(in_order(lambda number: number**2, items(), threads)):
        assert square == done**2
        assert len(taken) <= done + threads + 1
    assert taken == list(range(20))
