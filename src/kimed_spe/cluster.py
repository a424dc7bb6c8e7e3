"""The supervisor's part of execution on SLURM: it alone submits, watches and cancels, for commands of boxes.

The enclosed Snakemake asks over a socket of its own (`cluster_client`). It chooses a command and resources, nothing
else: the job script is fixed (`cluster_step`), resources are checked against the permit, and on the node the command
starts in the same enclosure as here. One thread per waiting command; `cluster_pool` has the jobs.
"""

import json
import os
import select
import shutil
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from kimed_spe import canonical, cluster_watchdog, gate, remote, slurm
from kimed_spe.broker import ENTRIES, ENTRIES_PER_JOB, LARGEST, Desk, LinkError
from kimed_spe.cluster_places import Ticket
from kimed_spe.cluster_pool import GLANCE, SHARE, SHARE_MINUTES, Pool
from kimed_spe.door import Door

FOLDER = "cluster"
"""Below the register, which no enclosure shows; nodes must see it."""
DOOR = "cluster"
MOST_TEXT = 1 << 20
"""Bytes of a job's messages that are passed on."""
WAIT_AT_END = 60.0
AT_ONCE = 512
"""Commands that wait for nodes at the same time."""
LONGEST_LATENCY = 600
"""Seconds that a node waits for files to be seen, whatever --latency-wait says."""
FAILED = 98


class Cluster:
    """Takes commands for nodes until closed.

    Parameters
    ----------
    desk
        Permit and register of the run.
    door
        Folder that the enclosure sees as /run/kimed.
    most_memory
        MB that the permit allows for a job.

    Raises
    ------
    SlurmError
        The variable KIMED_SLURM_SHARE is no number.
    """

    def __init__(self, desk: Desk, door: Path, most_memory: float) -> None:
        share = share_minutes()
        self.desk = desk
        self.folder = desk.register.path.resolve() / FOLDER / desk.run
        self.folder.mkdir(parents=True, mode=0o700)
        self.home = self.folder / "home"
        for empty in (self.home, self.folder / "door"):
            empty.mkdir()
        if desk.manifests and desk.manifests.is_dir():
            shutil.copytree(desk.manifests, self.folder / "manifests")
        self.arguments: list[str] = []
        self.comment = cluster_watchdog.comment(desk.run)
        self.number = 0
        self.pool = Pool(
            self.folder, desk.run, self.comment, most_memory, partial(self._record, "cluster.allocation"),
            share=share,
        )  # fmt: skip
        self.lock = threading.Lock()
        self.ended = self.pool.ended
        self.watchdog = Popen(  # noqa: S603
            [sys.executable, "-I", "-m", "kimed_spe.cluster_watchdog", self.comment], stdin=PIPE, start_new_session=True
        )
        self.pool.start()
        self.door = Door(door / DOOR, self._answer, AT_ONCE)

    def enclose(self, arguments: Sequence[str]) -> None:
        """Arguments of bubblewrap for the enclosure on nodes; devices of this machine are none of theirs."""
        words = list(arguments)
        for place in [place for place, word in enumerate(words) if word == "--dev-bind"][::-1]:
            del words[place : place + 3]
        self.arguments = words

    def stop(self) -> None:
        """Give up all commands and take none any more; their jobs are cancelled by `close`."""
        self.ended.set()

    def close(self) -> None:
        """Cancel what is left, and do not go before SLURM has nothing of this run any more, or a minute is over."""
        self.ended.set()
        # A job may just be being submitted.
        self.door.close(slurm.PATIENCE)
        gone = cluster_watchdog.until_none(self.comment, WAIT_AT_END, quiet=1)
        self.pool.close()
        with suppress(OSError):
            if gone and self.watchdog.stdin:
                self.watchdog.stdin.write(b"done\n")
            if self.watchdog.stdin:
                self.watchdog.stdin.close()
        if gone:
            self.watchdog.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            sys.stderr.write(f"KIMed: SLURM does not answer; process {self.watchdog.pid} goes on cancelling jobs.\n")

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rwb") as stream:
            try:
                answer = self._run(canonical.decode(stream.readline(LARGEST)), connection)
            except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as problem:
                with suppress(LinkError):  # bounded, as all that the enclosed side can cause to be written
                    self.desk.record("refusal", {"stage": "cluster", "reasons": [str(problem)[:2000]]})
                answer = _answer(FAILED, f"not submitted, or not recorded: {problem}")
            stream.write(json.dumps(answer).encode() + b"\n")

    def _run(self, asked: Mapping[str, Any], connection: socket.socket) -> dict[str, Any]:
        request = slurm.checked(asked["request"])
        sizes = {"threads": "cores", "mem_mb": "mem_mb", "runtime": "runtime", "disk_mb": "disk_mb", "gpu": "gpus"}
        resources = {key: request[name] for name, key in sizes.items() if request.get(name)}
        if not self.desk.admitted:
            raise LinkError("the run was not admitted")
        self.desk.check({"resources": resources})
        ticket = self._ticket(asked, request, resources)
        started = time.time()
        try:
            self.pool.take(ticket)
            problem = self._wait(ticket, connection)
        except (slurm.SlurmError, OSError):
            shutil.rmtree(ticket.folder, ignore_errors=True)
            raise
        # A command that waited in vain has only the job that was submitted for it.
        result, place = ticket.result(), ticket.place or ticket.sponsor
        if problem:
            self.pool.drop(ticket)
        problem = problem or str(result.get("problem", ""))
        refused = result.get("refused") or []
        if refused:
            problem = "refused on the node: " + "; ".join(map(str, refused))[:2000]
        job = place.job if place else ""
        facts = {
            "slurm_id": job, "node": result.get("node") or (place.node if place else ""),
            "max_rss": result.get("max_rss"), "cpu_seconds": result.get("cpu_seconds"),
            "seconds": result.get("seconds"), "shared": bool(place and place.shared),
            "waited": round(result["started"] - started, 3) if "started" in result else None,
        }  # fmt: skip
        code = int(result.get("exit_code", FAILED)) if not problem else FAILED
        self._record(
            "cluster.refusal" if refused else "cluster.job",
            {**facts, "request": request, "exit_code": code, "problem": problem},
        )
        answer = _answer(code, f"SLURM job {job}: {problem}" if problem else "", facts)
        answer |= {"stdout": _text(ticket.folder / "stdout"), "stderr": _text(ticket.folder / "stderr")}
        answer["benchmark"] = result.get("benchmark")
        shutil.rmtree(ticket.folder, ignore_errors=True)
        return answer

    def _ticket(self, asked: Mapping[str, Any], request: Mapping[str, Any], resources: Mapping[str, Any]) -> Ticket:
        command = [str(word) for word in asked["command"]]
        box, cwd = Path(str(asked["box"])), str(asked["cwd"])
        variables = {"TMPDIR": str(asked["tmpdir"])}
        if asked.get("ipythondir"):
            variables["IPYTHONDIR"] = str(asked["ipythondir"])
        with self.lock:
            if self.ended.is_set():
                raise LinkError("the run is being ended")
            if self.number >= ENTRIES + ENTRIES_PER_JOB * self.desk.jobs:
                raise LinkError(f"a run of {self.desk.jobs} jobs submits no more")
            self.number += 1
            folder = self.folder / str(self.number)
        folder.mkdir()
        known = gate.memory(self.desk.register)
        if "newest_known" in known:
            known["newest_known"] = canonical.timestamp(known["newest_known"])
        ticket = {
            "root": str(self.desk.root), "snakefile": str(self.desk.snakefile), "permit": str(self.desk.permit_path),
            "trust": str(self.desk.trust_path), "manifests": str(self.folder / "manifests"), "known": known,
            "resources": resources, "gpu": bool(request.get("gpu")), "arguments": self.arguments, "cwd": cwd,
            "launcher": str(box.parent / remote.NODE_LAUNCHER), "command": command, "variables": variables,
            "seconds": request["runtime"] * 60, "memory": request.get("mem_mb", 0) * 1e6,
            "latency": min(request.get("latency", 0), LONGEST_LATENCY), "benchmark": bool(request.get("benchmark")),
        }  # fmt: skip
        (folder / "ticket.json").write_text(json.dumps(ticket))
        return Ticket(folder, dict(request))

    def _wait(self, ticket: Ticket, connection: socket.socket) -> str:
        """Wait for the result of a command; a reason if there will be none."""
        while True:
            result = ticket.result()
            # What a signal of SLURM has ended was cancelled, took too long or lost its node: squeue says which.
            if result and not result.get("signal"):
                return ""
            if self.ended.is_set() or _hung_up(connection):
                return "cancelled with its run"
            if problem := self.pool.problem(ticket):
                return problem
            time.sleep(GLANCE)

    def _record(self, kind: str, content: Mapping[str, Any]) -> None:
        self.desk.register.append(kind, {**content, "run": self.desk.run, "supervisor": os.uname().nodename})


def share_minutes() -> float:
    """Minutes up to which commands share jobs.

    Raises
    ------
    SlurmError
        The variable is no number.
    """
    text = os.environ.get(SHARE, "")
    try:
        return float(text) if text else SHARE_MINUTES
    except ValueError as error:
        raise slurm.SlurmError(f"{SHARE}={text}: give minutes, 0 for a job per command, or unset it") from error


def _answer(code: int, problem: str, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"exit_code": code, "problem": problem, "stdout": "", "stderr": "", "slurm": dict(facts or {})}


def _text(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MOST_TEXT))
        return file.read(MOST_TEXT).decode(errors="replace")
    return ""


def _hung_up(connection: socket.socket) -> bool:
    watched = select.poll()
    watched.register(connection, select.POLLIN | select.POLLHUP)
    try:
        return bool(watched.poll(0)) and connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True
