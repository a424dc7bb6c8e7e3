"""What a killed run left is deleted by the next one, what a living one has is not."""

import signal
import subprocess
import sys
from pathlib import Path

from kimed_spe import leftovers

HOLD = """
import sys, time
from pathlib import Path
from kimed_spe import leftovers
leftovers.claim(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_only_folders_of_ended_runs_are_deleted(tmp_path: Path):
    folders = {name: tmp_path / name for name in ("run-lives", "run-ended", "run-unclaimed", "other")}
    for folder in folders.values():
        (folder / "out0").mkdir(parents=True)
        (folder / "out0" / "table.tsv").write_text("half")
    runs = [
        subprocess.Popen([sys.executable, "-c", HOLD, str(folders[name])], stdout=subprocess.PIPE, text=True)
        for name in ("run-lives", "run-ended")
    ]
    try:
        assert [run.stdout.readline() for run in runs if run.stdout] == ["held\n", "held\n"]
        assert leftovers.sweep(tmp_path) == []
        runs[1].send_signal(signal.SIGKILL)
        runs[1].wait()
        assert leftovers.sweep(tmp_path) == [folders["run-ended"]]
    finally:
        for run in runs:
            run.kill()
            run.communicate()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "run-lives", "run-unclaimed"]
