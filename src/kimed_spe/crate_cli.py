"""`spe crate {export,validate,show}`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kimed_spe import gate, trust
from kimed_spe.permit_cli import open_key
from kimed_spe.register import Register
from kimed_spe.signing import CryptoSigner, Key, read_public

if TYPE_CHECKING:
    from kimed_spe.crate_write import Written

DEFAULT = Path("crate")
"""Where `--reporter spe-crate` writes, unless --report-spe-crate-path names another folder."""
DEMONSTRATION_KEY = gate.DEMONSTRATION / "keys" / "demo-register.pem"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    group = commands.add_parser("crate", help="export a governed run as RO-Crate, and prove one")
    actions = group.add_subparsers(required=True, metavar="action")

    write = actions.add_parser("export", help="write the crate of a run")
    write.add_argument("target", type=Path, help="folder to make")
    write.add_argument("--run", dest="run_id", help="name in the register (default: the last that ran a job)")
    write.add_argument("--directory", "-d", type=Path, default=Path(), help="working directory of the run")
    write.add_argument("--register", type=Path, help="folder (default: KIMED_REGISTER or .spe/register)")
    write.add_argument("--permit", type=Path, help="where the run's permit is now, if not where it was")
    write.add_argument("--key", type=Path, help="private key of the role `register`, to sign checkpoint and crate")
    write.add_argument("--identifiers", type=Path, help="linkage file: none of its identifiers may be in it")
    write.set_defaults(run=_export)

    prove = actions.add_parser("validate", help="is it whole, unchanged, signed, and valid against the profiles?")
    prove.add_argument("crate", type=Path)
    prove.add_argument("--key", type=Path, action="append", default=[], help="public key that must have signed it")
    prove.add_argument("--trust", type=Path, default=gate.places()[1], help="trust store, whose register keys count")
    prove.add_argument("--integrity-only", action="store_true", help="do not run the RO-Crate validator")
    prove.set_defaults(run=_validate)

    show = actions.add_parser("show", help="what a crate tells, on one screen")
    show.add_argument("crate", type=Path)
    show.set_defaults(run=_show)


def signer(path: Path | None) -> CryptoSigner | None:
    """The key to sign with: the one named, or the demonstration's where the demonstration is run."""
    if path is not None:
        return open_key(path)
    permit, _ = gate.places()
    return open_key(DEMONSTRATION_KEY) if permit.parent == gate.DEMONSTRATION and DEMONSTRATION_KEY.exists() else None


def _export(options: argparse.Namespace) -> int:
    from kimed_spe.crate_write import export  # noqa: PLC0415 - the library takes a second; other commands need none

    _say(
        export(
            options.target, Register(options.register), options.directory.resolve(), run=options.run_id,
            permit=options.permit, key=signer(options.key), identifiers=options.identifiers,
        )
    )  # fmt: skip
    return 0


def report(target: Path, directory: Path) -> None:
    """What `--reporter spe-crate` does: the crate of the last run that ran a job."""
    from kimed_spe.crate_write import export  # noqa: PLC0415 - as above

    _say(export(target, Register(), directory, key=signer(None)))


def _say(written: "Written") -> None:
    state = "complete" if written.run.complete else "INCOMPLETE: the run did not come to its end"
    print(f"{written.path}: run {written.run.identifier}, {state}")
    print(
        f"  {written.jobs} jobs; {written.included} results travel, {written.referenced} files are named by digest only"
    )
    if written.stripped:
        print(f"  left out of the workflow's own metadata: {', '.join(written.stripped)} (they report actions)")


def _keys(options: argparse.Namespace) -> list[Key]:
    if options.key:
        return [read_public(path) for path in options.key]
    if not options.trust.exists():
        return []
    store = trust.load(options.trust)
    return [store.keys[name] for name in store.register.keys if name in store.keys]


def _validate(options: argparse.Namespace) -> int:
    from kimed_spe.crate_reading import open_crate  # noqa: PLC0415 - as above
    from kimed_spe.crate_validation import validate  # noqa: PLC0415

    crate = open_crate(options.crate, _keys(options))
    print(f"{options.crate}: whole and unchanged")
    print(f"  signed by {', '.join(sorted(crate.signed_by)) or 'NO KNOWN KEY'}")
    print(f"  run {'complete' if crate.complete else 'INCOMPLETE'}")
    passed = bool(crate.signed_by) and crate.complete
    if not options.integrity_only:
        judged = validate(crate.payload)
        print(f"  {judged.checks} checks of RO-Crate's validator, {len(judged.issues)} failures")
        if judged.defects:
            print(f"  and {len(judged.defects)} by a defect of the validator itself (docs/spe/crate.md)")
        for issue in judged.issues[:20]:
            print(f"    {issue}")
        passed = passed and not judged.issues
    return 0 if passed else 1


def _show(options: argparse.Namespace) -> int:
    from kimed_spe.crate_reading import open_crate  # noqa: PLC0415 - as above

    crate = open_crate(options.crate)
    root = crate.entities["./"]
    actions = [entity for name, entity in crate.entities.items() if name.startswith("#job-")]
    failed = sum(str(action["actionStatus"]).endswith("FailedActionStatus") for action in actions)
    travelling = [name for name, item in crate.outputs.items() if item.content]
    for name, value in (
        ("name", root["name"]), ("run", crate.run), ("permit", crate.permit), ("complete", crate.complete),
        ("workflow", f"{crate.snakefile} (source tree {crate.tree[:16]}…)"),
        ("targets", " ".join(crate.targets) or "default"),
        ("published", root["datePublished"]), ("jobs", f"{len(actions)}, {failed} failed attempts"),
        ("inputs", len(crate.inputs)), ("outputs", f"{len(crate.outputs)}, {len(travelling)} travel"),
    ):  # fmt: skip
        print(f"{name:10s} {value}")
    for name in travelling:
        print(f"           {name}")
    return 0
