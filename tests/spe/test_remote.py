"""The submitting machine's part in commands that ran elsewhere: outputs that are seen late, figures for benchmarks."""

import json
import threading
import time
from pathlib import Path

from snakemake.benchmark import BenchmarkRecord

from kimed_spe import remote
from kimed_spe.jobs import Plan
from kimed_spe.sandbox import Box


def box(folder: Path) -> Box:
    (folder / "out0").mkdir()
    return Box(folder, folder / "tmp", "")


def test_outputs_that_are_seen_late(tmp_path: Path):
    made = Path("/study/results/table.tsv")
    plan = Plan("rule", "1-0", (), (made,), (Path("/study/logs/a.log"),))
    there, late = box(tmp_path), tmp_path / "elsewhere"
    late.touch()
    began = time.monotonic()
    remote.await_outputs(there, plan, 0.3)
    assert 0.3 <= time.monotonic() - began < 5, "nothing came: it goes on, and Snakemake says what is missing"
    timer = threading.Timer(0.6, late.rename, (there.folder / "out0" / made.name,))
    timer.start()
    began = time.monotonic()
    remote.await_outputs(there, plan, 30)
    timer.join()
    assert 0.5 < time.monotonic() - began < 20, "a log that was never written is not waited for"


class Rule:
    """As much of a rule of Snakemake as counts: what it runs fills the record with figures of the waiting client."""

    def run_func(self, *arguments: object) -> None:
        for record in arguments:
            if isinstance(record, BenchmarkRecord):
                record.running_time, record.max_rss, record.data_collected = 500.0, 9.0, True


def test_benchmarks_hold_what_the_node_measured(tmp_path: Path):
    there, record = box(tmp_path), BenchmarkRecord()
    figures = {"running_time": 3.5, "max_rss": 310.0, "cpu_time": 1.25, "cpu_usage": 40.0, "data_collected": True}
    (tmp_path / "benchmark.json").write_text(json.dumps(figures))
    remote.measured_there(Rule(), there).run_func("input", record, 7)
    assert record.to_tsv(False).split("\t")[:3] == ["3.50", "0:00:03", "310.00"] and record.cpu_time == 1.25
    # A second repeat has figures of its own, or none; never those of the client.
    (tmp_path / "slurm.json").write_text(json.dumps({"seconds": 4.0}))
    again = BenchmarkRecord()
    remote.measured_there(Rule(), there).run_func("input", again)
    assert again.to_tsv(False).split("\t")[:3] == ["4.00", "0:00:04", "NA"] and again.errors
