"""`spe reproduce`: run a published workflow again and certify how close it came."""

import argparse
import os
import shlex
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from kimed_spe import (
    bisection,
    calibration,
    canonical,
    certificate,
    certificate_page,
    gate,
    machine,
    reproduce,
    signing,
    site,
    surroundings,
    trust,
    workspace,
)
from kimed_spe.certificate import INCOMPLETE
from kimed_spe.drift import Drift, between
from kimed_spe.permit_cli import open_key
from kimed_spe.permit_model import PermitError
from kimed_spe.references import ReferenceProblem, of_crate, of_workflow
from kimed_spe.register import Register
from kimed_spe.reproduce import Reproduction, Task
from kimed_spe.workspace import Manner, WorkspaceError

EXITS = {"identical": 0, "within tolerance": 0, "differs": 1, "missing": 1, "not comparable": 3, INCOMPLETE: 4}
"""Exit status by verdict; 2 is: no verdict, nothing was certified."""
DEMONSTRATION_KEY = gate.DEMONSTRATION / "keys" / "demo-certificate.pem"
CRATE_FILES = ("ro-crate-metadata.json", "data/ro-crate-metadata.json")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "reproduce", help="run a published workflow again and certify how close it came",
        epilog="exit: 0 identical or within tolerance; 1 differs or missing; 2 no verdict (refused, or the reference "
        "cannot be relied on); 3 not comparable; 4 the run did not finish",
    )  # fmt: skip
    parser.add_argument("what", help="name of a workflow below workflows/, or a crate (folder or .zip)")
    parser.add_argument("--directory", "-d", type=Path, default=Path(), help="root of the checkout and of the data")
    parser.add_argument("--output", "-o", type=Path, help="folder of the certificate (default: results/reproduction/…)")
    parser.add_argument("--in", dest="place", type=Path, help="fresh folder to run in; it is kept (default: temporary)")
    parser.add_argument("--finished", action="store_true", help="judge the governed runs already made in the checkout")
    parser.add_argument("--cores", type=int, help="default: all that this process may use")
    parser.add_argument(
        "--key", type=Path, help=f"private key to sign with (default: the site's, or {DEMONSTRATION_KEY})"
    )
    parser.add_argument("--crate-key", type=Path, action="append", default=[], help="public key that signed the crate")
    parser.add_argument("--review", action="store_true", help="also write review.html, which stays inside")
    parser.add_argument(
        "--against", type=Path, metavar="CERTIFICATE", help="tell what changed since an older certificate"
    )
    parser.add_argument(
        "--bisect", action="store_true", help="with --against: run again with one factor swapped at a time"
    )
    parser.add_argument(
        "--old-environment", type=Path, metavar="FOLDER", help="with --bisect: environment of that time"
    )
    parser.add_argument(
        "--old-inputs", type=Path, metavar="FOLDER", help="with --bisect: root of the data of that time"
    )
    parser.add_argument("--permits", type=Path, metavar="FOLDER", help="with --bisect: permits for mixed states")
    parser.add_argument("--calibrate", type=int, metavar="N", help="run N more times in other ways; writes spread.json")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.finished and (options.bisect or options.calibrate or options.place):
        raise ValueError("--finished runs nothing: leave out --in, --bisect and --calibrate")
    if options.bisect and not options.against:
        raise ValueError("--bisect needs the older certificate: --against FILE")
    started = canonical.timestamp(datetime.now(UTC))
    root = options.directory.resolve()
    signer = _signer(options.key, root)
    permit, trust_path = (root / path for path in gate.places())
    with tempfile.TemporaryDirectory(prefix="spe-crate-") as unpacked, reproduce.folder(options.place) as base:
        try:
            task = _task(options, root, permit, Path(unpacked))
            manner = _manner(options, trust_path, task.reference.targets)
            done = (
                reproduce.certify_finished(task, manner)
                if options.finished
                else reproduce.carry_out(task, manner, base)
            )
        except (ReferenceProblem, WorkspaceError, PermitError) as error:
            sys.stderr.write(f"No verdict: {error}\nNothing was certified.\n")
            return 2
        folder = options.output or root / "results" / "reproduction" / task.reference.workflow
        path = folder / "certificate.json"
        reproduce.issue(done, signer, manner, path, started=started, command=_repeat(options, done))
        return _finish(options, done, manner, signer, path)


def _finish(
    options: argparse.Namespace, done: Reproduction, manner: Manner, signer: signing.CryptoSigner, path: Path
) -> int:
    found = certificate.verify(path, [signer.public_key])
    drift: Drift | None = None
    if options.against:
        old = certificate.read(options.against)
        drift = between(old.predicate, found.predicate)
        if options.bisect:
            worlds = bisection.Worlds(
                done.task, options.old_inputs, options.old_environment, options.permits, base=done.workspace.base
            )
            drift = bisection.explain(drift, old.predicate, worlds, manner)
        print("\n".join(drift.lines(full=True)))
    certificate_page.write(found, path.with_suffix(".html"), "release", done.judged, drift)
    if options.review:
        certificate_page.write(found, path.with_name("review.html"), "review", done.judged, drift)
    if options.calibrate:
        print("\n".join(calibration.calibrate(done, manner, options.calibrate)))
    if not done.run.complete and done.run.fresh:
        sys.stderr.write(f"The run did not finish. The end of its log:\n{workspace.tail(done.workspace)}\n")
    for name, count in found.predicate["summary"].items():
        if count:
            print(f"{count:5d} {name}")
    for output in found.predicate["outputs"]:
        if output["verdict"] not in certificate.PASSES:
            reason = output["reason"] or ", ".join(f"{name} {value}" for name, value in output["distance"].items())
            print(f"      {output['verdict']}: {output['name']} ({reason})")
    print(f"Verdict: {found.verdict.upper()}" + (" (demonstration key)" if found.demonstration else ""))
    pages = [path, path.with_suffix(".html"), *([path.with_name("review.html")] if options.review else [])]
    print("\n".join(f"  {page}" for page in pages))
    return EXITS[found.verdict]


def _task(options: argparse.Namespace, root: Path, permit: Path, unpacked: Path) -> Task:
    what = Path(options.what)
    if what.suffix == ".zip" or any((what / name).exists() for name in CRATE_FILES):
        store = trust.load(root / gate.places()[1])
        keys = [store.keys[name] for name in sorted(store.register.keys - set(store.revocations.keys))]
        found = of_crate(what, root, [*keys, *map(signing.read_public, options.crate_key)], unpacked)
        if not found.reference.signed_by:
            sys.stderr.write(f"{what.name} is whole, but nobody signed it whom the trust store knows (--crate-key)\n")
        return Task(found.reference, root, found.snakefile, permit, code=found.code)
    snakefile = Path("workflows") / options.what / "Snakefile"
    if not (root / snakefile).is_file():
        raise ReferenceProblem(f"there is neither a workflow {snakefile} nor a crate {what}")
    return Task(of_workflow(root, options.what, needed=not options.calibrate), root, snakefile, permit)


def _manner(options: argparse.Namespace, trust_path: Path, targets: tuple[str, ...]) -> Manner:
    chosen = machine.choose()

    def say(line: str) -> None:
        sys.stderr.write(f"\r  {line}".ljust(60) + ("\n" if "(100%)" in line else ""))
        sys.stderr.flush()

    return Manner(
        cores=options.cores or chosen.cores, trust=trust_path, register=Register(), software=chosen.software,
        targets=targets, conda_prefix=_conda_prefix(options.directory.resolve()),
        say=say if sys.stderr.isatty() else lambda line: None,  # noqa: ARG005
    )  # fmt: skip


def _conda_prefix(root: Path) -> Path | None:
    """Where conda environments were made: as Snakemake's variable says, or beside the checkout's earlier runs."""
    place = Path(os.environ.get("SNAKEMAKE_CONDA_PREFIX", root / ".snakemake" / "conda")).absolute()
    return place if place.is_dir() else None


def _signer(wished: Path | None, root: Path) -> signing.CryptoSigner:
    return open_key(wished or root / site.place("certificate_key", DEMONSTRATION_KEY))


def _repeat(options: argparse.Namespace, done: Reproduction) -> list[str]:
    """Commands for somebody with a clone; the certificate must not tell paths of this machine."""
    task = done.task
    what = Path(options.what).name if task.reference.kind == "crate" else options.what
    signed = done.workspace.permit.content["workflow"]["sources"]
    known = surroundings.commit(task.sources, signed)["commit"]
    checkout = [f"git checkout {known}"] if known else []
    return [*checkout, "make setup", "source .venv/bin/activate", f"spe reproduce {shlex.quote(what)}"]
