"""Write the crate of a run: collect, build, look for leaks, put into a bag, sign; whole or not at all."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import kimed_compare
from kimed_compare import ToleranceError, Unreadable
from kimed_spe import audit, bag, canonical, outputs
from kimed_spe.crate_frame import complete
from kimed_spe.crate_graph import Graph, moment
from kimed_spe.crate_privacy import leaks
from kimed_spe.crate_record import Content, CrateError, Run, read_run
from kimed_spe.crate_sources import About, describe
from kimed_spe.declared import DeclaredOutput
from kimed_spe.register import Register
from kimed_spe.signing import CryptoSigner, seal, write_envelope

TYPE = "application/vnd.kimed.crate+json"
"""Media type of the signed statement about a crate."""
SIGNATURE = "spe-signature.json"
CHECKPOINT = "spe-checkpoint.json"
RESULTS = "results"


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    jobs, included, referenced
        Numbers of jobs, of results that travel, and of files that are named by digest only.
    stripped
        Actions of the workflow's own metadata that were left out.
    """

    path: Path
    run: Run
    jobs: int
    included: int
    referenced: int
    stripped: tuple[str, ...]


def export(
    target: Path,
    register: Register,
    directory: Path,
    *,
    run: str | None = None,
    permit: Path | None = None,
    key: CryptoSigner | None = None,
    identifiers: Path | None = None,
    fingerprints: bool = True,
) -> Written:
    """Write the crate of a governed run as a signed bag.

    Parameters
    ----------
    target
        Folder to make; it must not exist.
    directory
        Working directory of the run.
    run, permit
        As for `read_run`.
    key
        Key of the register; without it the crate is not signed, and says so when it is read.
    identifiers
        Linkage file: the crate is refused if any identifier of it is in it.
    fingerprints
        Whether to digest the content of declared results under their comparators, which reads them.

    Raises
    ------
    CrateError
        Nothing can be told honestly: no such run, files changed since, or the crate would give something away.
    """
    if target.exists():
        raise CrateError(f"{target} exists: crates are never overwritten; remove it or name another folder")
    told = read_run(register, run, permit)
    about = describe(told, directory)
    with tempfile.TemporaryDirectory(prefix=".crate-", dir=target.absolute().parent) as name:
        folder = Path(name) / target.name
        folder.mkdir()
        included, folders, digests = _results(told, about, directory, folder.parent, fingerprints=fingerprints)
        crate = complete(
            Graph(told, about, included=included, folders=folders, fingerprints=digests, scratch=folder.parent)
        )
        crate.write(folder / bag.PAYLOAD)
        found = leaks(folder / bag.PAYLOAD, crate.metadata.generate()["@graph"], told, identifiers)
        if found:
            raise CrateError("the crate would give away what must stay:\n  " + "\n  ".join(found[:20]))
        _bag(folder, told, register, key)
        folder.rename(target)
    referenced = sum(1 for entity in crate.contextual_entities if entity.id.startswith(("#data-", "#file-")))
    return Written(target, told, len(told.jobs), len(included), referenced, about.stripped)


def _bag(folder: Path, run: Run, register: Register, key: CryptoSigner | None) -> None:
    info = {
        "Source-Organization": str(run.permit.content["project"]),
        "Bagging-Date": moment(run.ended)[:10],
        "External-Identifier": f"run:{run.identifier}",
        "Bag-Software-Agent": "kimed-demonstrators",
    }
    if key is not None:
        checkpoint, _ = register.checkpoint(key)
        shutil.copyfile(checkpoint, folder / CHECKPOINT)
    bag.close(folder, info)
    if key is not None:
        statement = {
            "manifest_sha256": canonical.sha256_file(folder / bag.MANIFEST),
            "run": run.identifier, "permit_sha256": run.permit.digest,
            "workflow": run.permit.content["workflow"]["digest"], "complete": run.complete,
        }  # fmt: skip
        write_envelope(seal(statement, TYPE, key), folder / SIGNATURE)
        bag.seal(folder)


def declared_as(path: str, about: About) -> DeclaredOutput | None:
    """The entry of outputs.yaml for a recorded path, which lies below some results' root."""
    relative = path.removeprefix(f"{RESULTS}/")
    return next((item for item in about.outputs if item.pattern().fullmatch(relative)), None)


def _results(
    run: Run, about: About, directory: Path, scratch: Path, *, fingerprints: bool
) -> tuple[dict[tuple[str, str], Path], set[str], dict[tuple[str, str], str]]:
    """Results that travel, recorded paths that are folders, and fingerprints of declared results.

    Only what is declared `open` travels. It must still be what its job made.
    """
    newest = {item.path: item for job in run.jobs if not job.failed for item in job.outputs}
    recorded = {item.path for job in run.jobs for item in (*job.inputs, *job.outputs)}
    folders = {path for path in recorded if (directory / path).is_dir()}
    included: dict[tuple[str, str], Path] = {}
    digests: dict[tuple[str, str], str] = {}
    for path, item in sorted(newest.items()):
        declaration = declared_as(path, about)
        if declaration is None or path.startswith("/"):
            continue
        file = directory / path
        same = _same(file, item)
        if declaration.egress == "open" and path not in folders:
            if not same:
                raise CrateError(f"{path} was changed or removed: its job made SHA-256 {item.sha256[:16]}…")
            copy = scratch / item.sha256
            shutil.copyfile(file, copy)
            included[path, item.sha256] = copy
        if fingerprints and same:
            try:
                digests[path, item.sha256] = kimed_compare.fingerprint(
                    declaration.comparator, file, dict(declaration.tolerance)
                )
            except (ToleranceError, Unreadable):
                continue
    return included, folders, digests


def _same(file: Path, item: Content) -> bool:
    try:
        outputs.check(file)
        return item.sha256 in audit.digests(file)
    except (OSError, ValueError, RuntimeError):
        return False
