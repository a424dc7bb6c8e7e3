"""`spe permit {new,sign,check,show,revoke,demo}`."""

import argparse
import getpass
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kimed_spe import canonical, gate, issue, signing, trust
from kimed_spe import permit as permits


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    group = commands.add_parser("permit", help="draft, sign, check, show and revoke permits")
    actions = group.add_subparsers(required=True, metavar="action")

    new = actions.add_parser("new", help="draft a permit from a template, with the digests of what is there now")
    new.add_argument("template", type=Path, help="YAML; profiles/spe/demo/permit.yaml shows one")
    new.add_argument("--snakefile", "-s", type=Path, required=True, help="the workflow that may be run")
    new.add_argument("--directory", "-d", type=Path, default=Path(), help="working directory of the runs")
    new.add_argument("--output", "-o", type=Path, help="file to write (default: standard output)")
    new.set_defaults(run=_new)

    sign = actions.add_parser("sign", help="sign a draft, or add a signature to a permit")
    sign.add_argument("document", type=Path)
    sign.add_argument("--key", type=Path, action="append", required=True, help="private key; may be repeated")
    sign.add_argument("--output", "-o", type=Path, help="file to write (default: the document itself)")
    sign.set_defaults(run=_sign)

    check = actions.add_parser("check", help="check a permit against its workflow, its data and the trust store")
    _permit_arguments(check)
    check.add_argument("--snakefile", "-s", type=Path, required=True)
    check.add_argument("--directory", "-d", type=Path, default=Path())
    check.add_argument("--user", default=gate.current_user(), help="default: you")
    check.set_defaults(run=_check)

    show = actions.add_parser("show", help="show a permit and who signed it")
    _permit_arguments(show)
    show.set_defaults(run=_show)

    revoke = actions.add_parser("revoke", help="sign the next revocation list; without a name it only renews the list")
    revoke.add_argument("name", nargs="?", help="id of a permit, SHA-256 of one version of it, or (--revoke-key) a key")
    revoke.add_argument("--reason", default="not stated")
    revoke.add_argument("--revoke-key", action="store_true", help="the name is the id of a key")
    revoke.add_argument("--trust", type=Path, default=gate.places()[1])
    revoke.add_argument("--key", type=Path, action="append", required=True, help="key of the access committee")
    revoke.add_argument("--days", type=int, default=30, help="how long the list may be relied on")
    revoke.set_defaults(run=_revoke)

    demo = actions.add_parser("demo", help="sign the demonstration permit anew, after a change of the workflow")
    demo.add_argument("--directory", "-d", type=Path, default=Path(), help="root of the repository")
    demo.add_argument("--snakefile", "-s", type=Path, default=Path("workflows/cohort/Snakefile"))
    demo.add_argument("--output", "-o", type=Path, help="file to write (default: the demonstration permit itself)")
    demo.set_defaults(run=_demo)


def open_key(path: Path) -> signing.CryptoSigner:
    """Open a private key, with the passphrase of SPE_KEY_PASSPHRASE or of the terminal."""

    def passphrase() -> bytes:
        given = os.environ.get("SPE_KEY_PASSPHRASE")
        return (given or getpass.getpass(f"passphrase of {path}: ")).encode()

    return signing.read_signer(path, passphrase)


def _permit_arguments(parser: argparse.ArgumentParser) -> None:
    permit, store = gate.places()
    parser.add_argument("permit", type=Path, nargs="?", default=permit, help=f"default: {permit}")
    parser.add_argument("--trust", type=Path, default=store, help=f"trust store, default: {store}")


def _write(content: Any, target: Path | None) -> None:
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if target is None:
        sys.stdout.write(text)
    else:
        target.write_text(text, encoding="utf-8")


def _new(options: argparse.Namespace) -> int:
    root = options.directory.resolve()
    _write(issue.draft(options.template, root, root / options.snakefile), options.output)
    return 0


def _sign(options: argparse.Namespace) -> int:
    signers = [open_key(path) for path in options.key]
    envelope = issue.sign(options.document, signers, options.output or options.document)
    print(f"{options.output or options.document}: {len(envelope.signatures)} signature(s)")
    return 0


def _check(options: argparse.Namespace) -> int:
    permit, store = permits.load(options.permit), trust.load(options.trust)
    root = options.directory.resolve()
    inputs = tuple(Path(item["path"]) for item in permit.content.get("datasets", []))
    context = permits.Context(root, options.user, root / options.snakefile, inputs=inputs)
    refusals = permits.check(permit, context, store, datetime.now(UTC))
    if refusals:
        print(permits.PermitRefused(permit.identifier, refusals))
        return 1
    print(f"Permit {permit.identifier} is valid until {permit.content['valid_to']} and allows this workflow.")
    return 0


def _show(options: argparse.Namespace) -> int:
    permit, store = permits.load(options.permit), trust.load(options.trust)
    roles = {f"data holder {name}": role for name, role in store.data_holders.items()}
    roles["access committee"] = store.access_committee
    signed = {name: sorted(store.signers(permit.envelope, role)) for name, role in roles.items()}
    _write({"permit": permit.content, "sha256": permit.digest, "valid signatures": signed}, None)
    return 0


def _revoke(options: argparse.Namespace) -> int:
    old, now = trust.load(options.trust), datetime.now(UTC)
    new = {options.name: options.reason} if options.name else {}
    number = issue.write_revocations(
        options.trust, [open_key(path) for path in options.key], now, timedelta(days=options.days), old=old,
        permits={} if options.revoke_key else new, keys=new if options.revoke_key else {},
    )  # fmt: skip
    until = canonical.timestamp(trust.load(options.trust).revocations.next_update)
    print(f"revocation list {number}, valid until {until}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    root = options.directory.resolve()
    folder = root / gate.DEMONSTRATION
    content = issue.draft(folder / "permit.yaml", root, root / options.snakefile)
    names = ("demo-data-holder.pem", "demo-access-committee.pem")
    signers = [open_key(folder / "keys" / name) for name in names]
    target = options.output or folder / "permit.json"
    signing.write_envelope(signing.seal(content, permits.PAYLOAD_TYPE, *signers), target)
    print(f"{target} covers the workflow as it is now (source tree {content['workflow']['digest']})")
    return 0
