"""Which of code, parameters, environment and inputs explains a changed output: runs with one of them put back.

Starting from the present state, each factor that changed is put back alone, and the workflow runs again. An output that
is then what the older certificate says is explained by that factor. One more run puts all of them back, to tell a joint
effect from a cause outside of them. Where a factor's old state cannot be had, that is said, and nothing is guessed.
"""

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kimed_spe import gate, issue, judgement, permit_cli, reproduce, signing, surroundings, trees, workspace
from kimed_spe.drift import UNKNOWN, Drift, content_id
from kimed_spe.factors import CODE, ENVIRONMENT, INPUT, PARAMETER, factor
from kimed_spe.permit_model import PAYLOAD_TYPE, PermitError, load
from kimed_spe.reproduce import Task
from kimed_spe.workspace import Manner, WorkspaceError

ALL = "all of these"


class NotAtHand(RuntimeError):
    """The old state of a factor cannot be had; says why."""


@dataclass(frozen=True)
class Worlds:
    """Where old states come from, and where mixed ones are made.

    Attributes
    ----------
    task
        The present reproduction.
    inputs
        Root of the data of that time; without it, the commit of the old certificate.
    environment
        Python environment of that time.
    permits
        Folder with permits for mixed states; the demonstration signs its own.
    base
        Folder to work in.
    """

    task: Task
    inputs: Path | None
    environment: Path | None
    permits: Path | None
    base: Path


def explain(drift: Drift, old: Mapping[str, Any], worlds: Worlds, manner: Manner) -> Drift:
    """Put factors back one at a time and tell which of them explains which output.

    Parameters
    ----------
    drift
        What changed.
    old
        Predicate of the older certificate.
    """
    wanted = {item["name"]: content_id(item) for item in old["outputs"]}
    open_ones = [item.name for item in drift.outputs if item.content]
    notes: list[str] = []
    if not open_ones or not drift.changed:
        return drift.explained({}, ["Nothing to bisect: " + ("no content changed." if not open_ones else "no factor.")])
    returned: dict[str, set[str]] = {}
    usable = []
    for name in drift.changed:
        try:
            returned[name] = _returned({name}, old, worlds, manner, wanted)
            usable.append(name)
            notes.append(
                f"Run with the {name} of then: {len(returned[name] & set(open_ones))} changed output(s) are as then."
            )
        except (NotAtHand, WorkspaceError, PermitError) as problem:
            notes.append(f"The {name} of then could not be put back: {problem}")
    together: set[str] | None = returned[usable[0]] if len(usable) == 1 else None
    if len(usable) > 1 and set(open_ones) - set().union(*returned.values()):
        try:
            together = _returned(set(usable), old, worlds, manner, wanted)
            notes.append(
                f"Run with {', '.join(usable)} of then: {len(together & set(open_ones))} changed output(s) are as then."
            )
        except (NotAtHand, WorkspaceError, PermitError) as problem:
            notes.append(f"{ALL.capitalize()} could not be put back together: {problem}")
    left = [name for name in drift.changed if name not in usable]
    causes = {name: _cause(name, returned, together, usable, left) for name in open_ones}
    return drift.explained(causes, notes)


def _cause(
    output: str, returned: Mapping[str, set[str]], together: set[str] | None, usable: list[str], left: list[str]
) -> str:
    single = [name for name in usable if output in returned[name]]
    if single:
        return " or ".join(single) + (" (either is enough)" if len(single) > 1 else "")
    if together is not None and output in together:
        return f"{' and '.join(usable)} together"
    rest = (
        f"; not run again: {', '.join(left)}" if left else "; what is left is hardware, chance, or what is not recorded"
    )
    return f"{UNKNOWN}: not {', not '.join(usable)}{rest}" if usable else f"{UNKNOWN}{rest}"


def _returned(
    back: set[str], old: Mapping[str, Any], worlds: Worlds, manner: Manner, wanted: Mapping[str, str | None]
) -> set[str]:
    """Names of the outputs that are as in the older certificate when these factors are put back."""
    place = worlds.base / ("with-old-" + "-".join(sorted(back)))
    shutil.rmtree(place, ignore_errors=True)
    root = place / "root"
    root.mkdir(parents=True)
    mix(back, old, worlds, root)
    python = manner.python
    if ENVIRONMENT in back:
        python = str(_old_python(worlds.environment, old["environment"]))
    permit = _permit(worlds, root, place)
    task = replace(
        worlds.task, root=root, code=None, data=None, permit=permit, reference=replace(worlds.task.reference, inputs={})
    )
    done = reproduce.carry_out(task, replace(manner, python=python), place / "run")
    if not done.run.complete:
        raise WorkspaceError("the run did not finish")
    found = {item["name"]: content_id(item) for item in judgement.entries(done.judged)}
    return {name for name in found.keys() | wanted.keys() if found.get(name) == wanted.get(name)}


def mix(back: set[str], old: Mapping[str, Any], worlds: Worlds, root: Path) -> None:
    """Write a state in which the factors `back` are those of the old certificate, and all else is as now.

    Raises
    ------
    NotAtHand
        With the factor and the reason.
    """
    task = worlds.task
    content = load(task.permit).content
    now = trees.workflow(task.sources, content["workflow"]["sources"], content["workflow"]["exclude"]).files
    then: Mapping[str, str] = old["workflow"]["files"]
    files = {name: worlds.task.sources / name for name in now if factor(name) not in back}
    past = root.parent / "then"
    if back & {CODE, PARAMETER, ENVIRONMENT}:
        names = [name for name in then if factor(name) in back]
        _check_out(task.sources, old["workflow"]["commit"], names, past)
        wrong = [name for name in names if _digest(past, name) != then[name]]
        if wrong:
            raise NotAtHand(f"the commit of then has another {wrong[0]}: it was changed and not committed")
        files |= {name: past / name for name in names}
    for name, path in files.items():
        _copy(path, root / name)
    for name in content["environments"]:
        path = task.root / name
        if ENVIRONMENT in back:
            _check_out(task.sources, old["workflow"]["commit"], [name], past)
            path = past / name
        _copy(path, root / name)
    for item in content["datasets"]:
        if not Path(item["path"]).is_absolute():
            _copy(_data(item, INPUT in back, old, worlds, past), root / item["path"])
    if (task.root / "profiles").is_dir():
        _copy(task.root / "profiles", root / "profiles")


def _data(item: Mapping[str, Any], back: bool, old: Mapping[str, Any], worlds: Worlds, past: Path) -> Path:
    """Where a data set is: as now, or as then, proven by its manifest."""
    if not back:
        return (worlds.task.data or worlds.task.root) / str(item["path"])
    then = next((one for one in old["inputs"] if one["id"] == item["id"]), None)
    if then is None:
        raise NotAtHand(f"the older certificate has no data set {item['id']}")
    if worlds.inputs is None:
        _check_out(worlds.task.root, old["workflow"]["commit"], [item["path"]], past)
    path = (worlds.inputs or past) / str(item["path"])
    try:
        found = trees.dataset(path).digest
    except trees.TreeProblem as problem:
        raise NotAtHand(str(problem)) from problem
    if found != then["manifest"]:
        raise NotAtHand(f"{item['path']} of then has the manifest {then['manifest'][:16]}…, found is {found[:16]}…")
    return path


def _check_out(root: Path, commit: str | None, names: Iterable[str], target: Path) -> None:
    """Files of a commit, below `target`."""
    if not commit:
        raise NotAtHand("the older certificate names no commit")
    names = list(names)
    if not names:
        return
    command = ["git", "-C", str(root), "-c", "safe.directory=*", "archive", "--format=tar", commit, "--", *names]
    run = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - git, arguments made here
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip().splitlines()
        raise NotAtHand(f"commit {commit[:12]} is not in this clone, or lacks a file ({said[-1] if said else 'git'})")
    with tarfile.open(fileobj=io.BytesIO(run.stdout)) as archive:
        archive.extractall(target, filter="data")


def _old_python(environment: Path | None, old: Mapping[str, Any]) -> Path:
    """Interpreter of an environment, after its packages were found to be those of then."""
    if environment is None:
        raise NotAtHand("no environment of then was named (--old-environment)")
    python = environment / "bin" / "python"
    code = "import json; from kimed_spe.surroundings import packages; print(json.dumps(packages()))"
    try:
        run = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotAtHand(f"{environment} is no environment with this package ({type(error).__name__})") from error
    unlike = surroundings.differences(old["packages"], json.loads(run.stdout))
    if unlike:
        told = f"{unlike[0]['package']} {unlike[0]['here']} instead of {unlike[0]['reference']}"
        raise NotAtHand(f"{environment} is not the environment of then: {told}, {len(unlike)} differences in all")
    return python


def _permit(worlds: Worlds, root: Path, place: Path) -> Path:
    """A permit that covers a mixed state: one of those given, or the demonstration signs it itself."""
    for path in sorted(worlds.permits.glob("*.json")) if worlds.permits else ():
        try:
            workspace.lay_out(place / "trial", root, worlds.task.snakefile, path)
        except (PermitError, WorkspaceError, KeyError):
            continue
        finally:
            shutil.rmtree(place / "trial", ignore_errors=True)
        return path
    demonstration = root / gate.DEMONSTRATION
    present = load(worlds.task.permit).content
    if not (present["demonstration"] and (demonstration / "keys").is_dir()):
        signed = present["workflow"]
        tree = trees.workflow(root, signed["sources"], signed["exclude"]).digest
        raise NotAtHand(
            f"no permit covers the mixed state (source tree {tree}); sign one and name its folder: --permits"
        )
    content = issue.draft(demonstration / "permit.yaml", root, root / worlds.task.snakefile)
    names = ("demo-data-holder.pem", "demo-access-committee.pem")
    signers = [permit_cli.open_key(demonstration / "keys" / name) for name in names]
    signing.write_envelope(signing.seal(content, PAYLOAD_TYPE, *signers), place / "permit.json")
    return place / "permit.json"


def _digest(folder: Path, name: str) -> str | None:
    try:
        return trees.workflow(folder, [name], []).files[name]
    except trees.TreeProblem:
        return None


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)
