"""Stands where a job's command would run: asks the supervisor to run it on a node, waits, and gives its exit status.

Started by the launcher (`remote`) inside the enclosure, with the standard library only, because it starts once per
command. As long as it lives the job is wanted: when it is killed its connection closes, and the job is cancelled.
"""

import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

DOOR = "/run/kimed/cluster"
NAME = "spe-remote"
"""Name of this process, by which `watch` knows that it stands for a job; at most 15 characters."""
FIGURES = (
    "running_time", "max_rss", "max_vms", "max_uss", "max_pss", "io_in", "io_out", "cpu_usage", "cpu_time",
    "data_collected",
)  # fmt: skip
"""What Snakemake's record for `benchmark:` holds of a process and all that it started."""
FAILED = 98
"""Exit status where no job could be run."""


def main() -> int:
    """`cluster_client.py BOX COMMAND...`."""
    box = Path(sys.argv[1])
    with suppress(OSError):
        Path("/proc/self/comm").write_text(NAME)
    request = {
        "box": str(box), "cwd": str(Path.cwd()), "command": sys.argv[2:], "tmpdir": os.environ.get("TMPDIR", ""),
        "ipythondir": os.environ.get("IPYTHONDIR", ""), "request": json.loads((box / "submit").read_text()),
    }  # fmt: skip
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(DOOR)
            with connection.makefile("rwb") as stream:
                stream.write(json.dumps(request).encode() + b"\n")
                stream.flush()
                answer = json.loads(stream.readline())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"spe: the supervisor of this run does not answer: {error}\n")
        return FAILED
    sys.stdout.write(answer["stdout"])
    sys.stderr.write(answer["stderr"])
    if answer["problem"]:
        sys.stderr.write(f"spe: {answer['problem']}\n")
    (box / "slurm.json").write_text(json.dumps(answer["slurm"]))
    if answer.get("benchmark"):
        (box / "benchmark.json").write_text(json.dumps(answer["benchmark"]))
    code: int = answer["exit_code"]
    return code if answer["exit_code"] or not answer["problem"] else FAILED


if __name__ == "__main__":
    sys.exit(main())
