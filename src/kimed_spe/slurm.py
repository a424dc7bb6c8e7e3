"""SLURM through its commands: whether there is one, to submit, to look, to cancel; each call with a time-out.

Accounting (`sacct`) is never asked: many sites have none, and where it is off it answers nothing (the stock plugin
then waits for ever). What a job did is told by the job itself (`cluster_step`); `squeue` tells whether it is there.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kimed_spe.broker import connect
from kimed_spe.cluster_client import DOOR

EXECUTOR = "KIMED_EXECUTOR"
"""`slurm` or `local` force where jobs run."""
CHOICES = ("slurm", "local")
PATIENCE = 30.0
"""Seconds for one command of SLURM; a controller that is busy answers late."""
GLANCE = 5.0
"""Seconds to find out whether a controller can be reached at all."""
MARK = "kimed"
"""First word of the comment of every job, by which jobs of a run are found again."""
WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
"""States (squeue(1), JOB STATE CODES) of jobs that wait, as after a requeue."""
RUNNING = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
# Names of partitions, accounts, QOS; constraints have operators and counts (sbatch(1)).
NAME = re.compile(r"[A-Za-z0-9_.,+-]{1,100}")
CONSTRAINT = re.compile(r"[A-Za-z0-9_.,&|*:()\[\]+-]{1,200}")
NAMES = {"slurm_partition": "partition", "slurm_account": "account", "qos": "qos", "constraint": "constraint"}
"""Resources that are names, and the option of sbatch for each."""
FIELDS = ("rule", "job", "threads", "mem_mb", "runtime", "disk_mb", "gpu", "latency", "benchmark", *NAMES)
"""What a request may hold; `latency` as --latency-wait, `benchmark` 1 where the node shall measure for `benchmark:`."""


NEVER = {
    "PartitionTimeLimit", "BadConstraints", "AssocMaxWallDurationPerJobLimit", "QOSMaxWallDurationPerJobLimit",
    "InvalidAccount", "InvalidQOS", "AccountNotAllowed", "QOSNotAllowed",
}  # fmt: skip
"""Reasons (squeue(1), JOB REASON CODES) for which a job waits until somebody changes it or the site."""
# What commands say while a controller is being restarted or is too busy.
AWAY = re.compile(r"[Uu]nable to contact slurm|[Ss]ocket timed out|[Tt]emporarily un|Connection refused|Zero Byte")


class SlurmError(RuntimeError):
    """SLURM refuses, or does not answer."""


class Away(SlurmError):
    """Its controller does not answer now."""


@dataclass(frozen=True)
class Seen:
    """A job as `squeue` shows it."""

    number: str
    state: str
    node: str
    why: str
    name: str
    comment: str


def call(*words: str, seconds: float = PATIENCE, text: str | None = None) -> str:
    """Output of a command of SLURM.

    Raises
    ------
    SlurmError
        It fails, is not there, or does not end in time.
    """
    try:
        done = subprocess.run(  # noqa: S603 - words are made here, or were checked
            words, input=text, stdin=None if text is not None else subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=seconds, env=_environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Away(f"{words[0]}: {error}") from error
    except OSError as error:
        raise SlurmError(f"{words[0]}: {error}") from error
    if done.returncode:
        kind = Away if AWAY.search(done.stderr) else SlurmError
        raise kind(f"{words[0]}: {done.stderr.strip()[:2000] or f'status {done.returncode}'}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Without what SLURM set for the job that this process may be: sbatch would take it for wishes."""
    return {
        name: value
        for name, value in os.environ.items()
        if name == "SLURM_CONF" or name[:6] not in ("SLURM_", "SBATCH")
    }


def chosen(environment: Mapping[str, str] | None = None) -> tuple[bool, str]:
    """Whether jobs go to SLURM, and why.

    Raises
    ------
    SlurmError
        KIMED_EXECUTOR is no choice, or asks for SLURM where no controller answers.
    """
    if connect():
        return Path(DOOR).is_socket(), "as the supervisor chose"
    wished = (os.environ if environment is None else environment).get(EXECUTOR, "")
    if wished not in ("", *CHOICES):
        raise SlurmError(f"{EXECUTOR}={wished}: use one of {', '.join(CHOICES)}, or unset it")
    if wished == "local":
        return False, f"forced by {EXECUTOR}"
    missing = [name for name in ("sbatch", "squeue", "scancel", "sinfo") if not shutil.which(name)]
    if missing:
        problem = f"no {', '.join(missing)} on PATH"
    else:
        try:
            call("sinfo", "-h", "-o", "%P", seconds=GLANCE)
            return True, f"forced by {EXECUTOR}" if wished else "its controller answers"
        except SlurmError as error:
            problem = str(error)
    if wished:
        raise SlurmError(f"{EXECUTOR}=slurm, but there is no SLURM to be reached: {problem}")
    return False, "no SLURM controller answers" if not missing else "no SLURM on this machine"


def checked(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request of the enclosed side, if it is one; words of it become arguments of sbatch.

    Raises
    ------
    SlurmError
        It holds anything else than known fields of the known forms.
    """
    if not isinstance(request, Mapping) or not set(request) <= set(FIELDS):
        raise SlurmError("a request to SLURM holds other fields than " + ", ".join(FIELDS))
    found: dict[str, Any] = {}
    for name in FIELDS:
        value = request.get(name)
        if value is None:
            continue
        if name == "rule":
            found[name] = re.sub(r"[^A-Za-z0-9_.-]", "_", str(value))[:60]
        elif name in NAMES:
            form = CONSTRAINT if name == "constraint" else NAME
            if not isinstance(value, str) or not form.fullmatch(value) or value.startswith("-"):
                raise SlurmError(f"{name} = {value!r} is no name that SLURM knows")
            found[name] = value
        else:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e9:
                raise SlurmError(f"{name} = {value!r} is no size")
            found[name] = value
    if not found.get("rule") or not found.get("runtime"):
        raise SlurmError("a job needs `runtime` (minutes) to go to SLURM: set it in the rule or default-resources")
    return found


def options(request: Mapping[str, Any], name: str) -> list[str]:
    """Arguments of sbatch for a checked request, under a name that people see in the queue.

    `--no-requeue`: a job that SLURM starts again after its node died would find its outputs half written; Snakemake's
    `retries` submit a new one.
    """
    found = [
        f"--job-name={name}",
        "--ntasks=1", "--nodes=1", f"--cpus-per-task={max(1, int(request.get('threads', 1)))}",
        f"--time={max(1, -int(-request['runtime'] // 1))}", "--no-requeue", "--open-mode=truncate",
    ]  # fmt: skip
    if request.get("mem_mb"):
        found.append(f"--mem={int(request['mem_mb'])}M")
    if request.get("gpu"):
        found.append(f"--gres=gpu:{int(request['gpu'])}")
    found += [f"--{option}={request[name]}" for name, option in NAMES.items() if request.get(name)]
    return found


def submit(script: str, arguments: Sequence[str], comment: str, folder: Path) -> str:
    """Submit a batch script and give the number of the job. Nothing of this environment goes with it but SLURM_*.

    What it prints goes beside `folder`, not into it: SLURM fails a job whose output it cannot open, and a folder that
    was made a moment ago may not be seen on the node yet.
    """
    answer = call(
        "sbatch", "--parsable", "--export=NIL", "--chdir=/", f"--comment={comment}", f"--output={folder}.stdout",
        f"--error={folder}.stderr", *arguments, text=script,
    )  # fmt: skip
    number = answer.strip().partition(";")[0]
    if not number.isdigit():
        raise SlurmError(f"sbatch answers {answer.strip()[:200]!r}")
    return number


def look(comment: str) -> dict[str, Seen]:
    """Jobs of this user whose comment begins so, by number; also ended ones for as long as SLURM keeps them."""
    text = call("squeue", "-h", "-u", str(os.getuid()), "-t", "all", "-o", "%A|%T|%N|%r|%j|%k")
    found = {}
    for line in text.splitlines():
        seen = Seen(*(line.split("|", 5) + [""] * 6)[:6])
        if seen.comment.startswith(comment):
            found[seen.number] = seen
    return found


def alive(seen: Seen) -> bool:
    """Whether a job waits or runs."""
    return seen.state in WAITING or seen.state in RUNNING


def cancel(numbers: Sequence[str]) -> None:
    """Cancel jobs; ones that have ended are no error, nor are ones that never got a number."""
    if numbers := [number for number in numbers if number]:
        call("scancel", "--quiet", *numbers)
