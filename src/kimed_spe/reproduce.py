"""Reproduce a published run: fresh working directory, same inputs, governed run, comparison, signed certificate."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kimed_spe import audit, canonical, certificate, gate, judgement, surroundings, trees, workspace
from kimed_spe.factors import ABSOLUTE, flat_parameters
from kimed_spe.judgement import Judged
from kimed_spe.permit_model import load
from kimed_spe.references import Reference
from kimed_spe.signing import CryptoSigner, Envelope, write_envelope
from kimed_spe.workspace import Manner, Run, Workspace, WorkspaceError

SHORTEST = 4
"""Letters of a name that is worth looking for."""


class Leak(RuntimeError):
    """A certificate would tell a path, host or user; it is not written."""


@dataclass(frozen=True)
class Task:
    """What to reproduce, and from what.

    Attributes
    ----------
    reference
        What is known of the published run.
    root
        Folder that the permit's paths are relative to.
    snakefile
        Relative to `root`.
    permit
        The permit of this run.
    code
        Folder with the workflow, if not `root`.
    """

    reference: Reference
    root: Path
    snakefile: Path
    permit: Path
    code: Path | None = None
    data: Path | None = None

    @property
    def sources(self) -> Path:
        """Folder with the workflow."""
        return self.code or self.root


@dataclass(frozen=True)
class Reproduction:
    """A run that was made and judged.

    Attributes
    ----------
    workspace, run, judged
        Where, what became of it, and the verdicts.
    """

    task: Task
    workspace: Workspace
    run: Run
    judged: list[Judged]


@contextmanager
def folder(wished: Path | None) -> Iterator[Path]:
    """The folder for a fresh working directory: the wished one, which stays, or a temporary one, which does not."""
    if wished is not None:
        yield wished.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="spe-reproduce-") as name:
        yield Path(name).resolve()


def carry_out(task: Task, manner: Manner, base: Path) -> Reproduction:
    """Lay out, compare inputs, run, judge.

    Raises
    ------
    WorkspaceError
        The run could not begin; there is no verdict then.
    """
    place = workspace.lay_out(base, task.root, task.snakefile, task.permit, code=task.code, data=task.data)
    wrong = inputs_that_differ(task.reference.inputs, place.work)
    if wrong:
        raise WorkspaceError("\n".join(["The inputs are not those of the published run:", *(f"  {w}" for w in wrong)]))
    run = workspace.run(place, manner)
    judged = judgement.judge(task.reference.declared, task.reference.known, place.results, run.made())
    return Reproduction(task, place, run, judged)


def certify_finished(task: Task, manner: Manner) -> Reproduction:
    """Judge what governed runs have already made in the checkout itself, without running again.

    Workflow and data are compared with the permit once more; that nothing else made the results, the register proves.

    Raises
    ------
    WorkspaceError
        There was no such run, or workflow, data or lock are no longer those that the permit fixes.
    """
    with tempfile.TemporaryDirectory(prefix="spe-certify-") as name:
        workspace.lay_out(Path(name).resolve() / "copy", task.root, task.snakefile, task.permit)
    place = Workspace(task.root, task.root, task.snakefile, load(task.permit))
    run = workspace.finished(place, manner)
    judged = judgement.judge(task.reference.declared, task.reference.known, place.results, run.made())
    return Reproduction(task, place, run, judged)


def inputs_that_differ(inputs: Mapping[str, str], work: Path) -> list[str]:
    """Input files of the published run that are missing here or have another content."""
    wrong = []
    for name, digest in sorted(inputs.items()):
        try:
            found = audit.digests(trees.plain_path(work, name))
        except (OSError, ValueError) as error:
            wrong.append(f"{name}: {getattr(error, 'strerror', None) or error}")
            continue
        if digest not in found:
            wrong.append(f"{name}: sha256 {found[0][:16]}…, the published run read {digest[:16]}…")
    return wrong


def predicate(done: Reproduction, signer: CryptoSigner, started: str, command: Sequence[str]) -> dict[str, Any]:
    """Everything that the certificate says about the outputs."""
    task, permit, run = done.task, done.workspace.permit, done.run
    signed, entries = permit.content["workflow"], judgement.entries(done.judged)
    tree = trees.workflow(done.workspace.work, signed["sources"], signed["exclude"])
    statuses = [entry["verdict"] for entry in entries]
    environment = surroundings.software(run.software, permit.content["environments"])
    expected = task.reference.packages or _pinned(done.workspace)
    keyid = signer.public_key.keyid
    return {
        "verdict": certificate.overall(statuses, complete=run.complete),
        "summary": certificate.summary(statuses),
        "reproduced": {"workflow": task.reference.workflow, "snakefile": task.snakefile.as_posix(),
                       "targets": list(task.reference.targets)},
        "reference": {"kind": task.reference.kind, "name": task.reference.name, "sha256": task.reference.sha256,
                      "signed_by": list(task.reference.signed_by)},
        "workflow": {"digest": tree.digest, "files": dict(sorted(tree.files.items())),
                     **surroundings.commit(task.sources, signed["sources"])},
        "parameters": flat_parameters(done.workspace.work, tree.files),
        "inputs": [
            {"id": item["id"], "version": item["version"], "manifest": item["manifest"]}
            for item in permit.content["datasets"]
        ],
        "permit": {"id": permit.identifier, "sha256": permit.digest,
                   "demonstration": permit.content["demonstration"]},
        "environment": {**environment, "compared_with": "the published run" if task.reference.packages else "the lock",
                        "differences": surroundings.differences(expected, environment["packages"])},
        "hardware": surroundings.hardware(),
        "outputs": entries,
        "run": {
            "complete": run.complete, "fresh": run.fresh, "exit_code": run.exit_code, "cores": run.cores,
            "jobs": len(run.jobs),
            "failed": sum(entry.content["exit_code"] != 0 for entry in run.jobs),
            "sandbox": ", ".join(sorted({e.content["sandbox"] for e in run.entries if e.kind == "run.start"})),
            "register": dict(run.position),
        },
        "times": {"started": started, "run_started": run.started, "run_finished": run.finished,
                  "issued": canonical.timestamp(datetime.now(UTC))},
        "signer": {"keyid": keyid, "demonstration": keyid in certificate.DEMONSTRATION_KEYS},
        "repeat": list(command),
        "varies": list(certificate.VARIES),
    }  # fmt: skip


def _pinned(place: Workspace) -> dict[str, str]:
    """Versions that the permit's lock files fix."""
    found: dict[str, str] = {}
    for name in place.permit.content["environments"]:
        found |= surroundings.pins(place.work / name)
    return found


def issue(
    done: Reproduction, signer: CryptoSigner, manner: Manner, path: Path, *, started: str, command: Sequence[str]
) -> Envelope:
    """Sign the certificate, write it, and record the reproduction in the register.

    Raises
    ------
    Leak
        It would tell an absolute path, this host's name or the user's.
    PermissionError
        A key that everybody has would certify a run on real data.
    """
    content = predicate(done, signer, started, command)
    if content["signer"]["demonstration"] and not content["permit"]["demonstration"]:
        raise PermissionError(
            "the demonstration key certifies demonstrations only: --key, or certificate_key of the site's file"
        )
    wrong = leaks(content)
    if wrong:
        raise Leak(f"the certificate was not written: {'; '.join(wrong)}")
    envelope = certificate.sign(certificate.statement(content), signer)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_envelope(envelope, path)
    manner.register.append(
        "reproduction",
        {
            "certificate": canonical.sha256(envelope.payload), "verdict": content["verdict"],
            "workflow": content["reproduced"]["workflow"], "workflow_digest": content["workflow"]["digest"],
            "reference": content["reference"], "permit": content["permit"]["id"], "signer": content["signer"]["keyid"],
            "run": done.run.entries[-1].content["run"], "user": gate.current_user(),
        },
    )  # fmt: skip
    return envelope


def leaks(content: Any, where: str = "certificate") -> list[str]:
    """Strings with an absolute path, the name of this host or the login name of this user.

    Names of packages and source files are published anyway; a host of the same name gives nothing away there.
    """
    public = ("environment.packages", "environment.differences", "environment.software", "workflow.files")
    user, host = gate.current_user(), os.uname().nodename
    # Short or common ones (`root` of a tree) would be found in anything, and tell nothing.
    names = {host: "the name of this host", user: "the name of this user"}
    told = {name: what for name, what in names.items() if len(name) >= SHORTEST and name not in ("root", "nobody")}
    return [leak for leak in _leaks(content, where, told) if "path" in leak or not any(p in leak for p in public)]


def _leaks(content: Any, where: str, names: Mapping[str, str]) -> list[str]:
    if isinstance(content, Mapping):
        keys = [leak for name in content for leak in _leaks(str(name), where, names)]
        return keys + [leak for name, value in content.items() for leak in _leaks(value, f"{where}.{name}", names)]
    if isinstance(content, list | tuple):
        return [leak for n, value in enumerate(content) for leak in _leaks(value, f"{where}[{n}]", names)]
    if not isinstance(content, str):
        return []
    found = [f"{where} holds an absolute path"] if ABSOLUTE.search(content) else []
    return found + [
        f"{where} holds {what}" for name, what in names.items() if re.search(rf"\b{re.escape(name)}\b", content)
    ]
