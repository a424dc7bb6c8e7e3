"""`spe trust {key,init}`: keys of offices, and the store that says whose signatures count."""

import argparse
import getpass
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kimed_spe import canonical, issue, signing, trust
from kimed_spe.permit_cli import open_key


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    group = commands.add_parser("trust", help="make keys and trust stores")
    actions = group.add_subparsers(required=True, metavar="action")

    key = actions.add_parser("key", help="make an Ed25519 key pair; the private key never leaves its office")
    key.add_argument("path", type=Path, help="file of the private key; the public one is written beside it")
    key.add_argument("--no-passphrase", action="store_true", help="for keys that services use unattended")
    key.set_defaults(run=_key)

    init = actions.add_parser("init", help="write a trust store with an empty revocation list")
    init.add_argument("folder", type=Path)
    init.add_argument("--contact", required=True, help="whom users ask about the store")
    holder = "controller=public key; repeat for more holders, or for more keys of one (all of one must then sign)"
    init.add_argument("--data-holder", action="append", required=True, metavar="NAME=FILE", help=holder)
    init.add_argument("--access-committee", action="append", required=True, type=Path, metavar="FILE")
    init.add_argument("--register", action="append", required=True, type=Path, metavar="FILE")
    init.add_argument("--certificate", action="append", default=[], type=Path, metavar="FILE", help="may certify")
    init.add_argument("--committee-threshold", type=int, default=1, help="signatures of the committee that are needed")
    init.add_argument("--key", type=Path, action="append", required=True, help="committee key to sign the first list")
    init.add_argument("--days", type=int, default=30, help="how long the first revocation list may be relied on")
    init.add_argument("--scope", action="append", default=[], help="data holders may sign for data below this only")
    init.add_argument("--demonstration", action="store_true", help="keys are published; synthetic data only")
    init.set_defaults(run=_init)


def _key(options: argparse.Namespace) -> int:
    passphrase = None
    if not options.no_passphrase:
        given = os.environ.get("SPE_KEY_PASSPHRASE")
        passphrase = (given or getpass.getpass("passphrase for the new key: ")).encode()
        if not passphrase:
            raise signing.KeyProblem("the passphrase is empty; --no-passphrase makes a key without one")
    public = signing.new_key(options.path, passphrase)
    print(f"{options.path} (private), {options.path.with_suffix('.pub.json')} (public, id {public.keyid})")
    return 0


def _init(options: argparse.Namespace) -> int:
    holders: dict[str, list[Path]] = {}
    for text in options.data_holder:
        name, _, path = text.rpartition("=")
        holders.setdefault(name, []).append(Path(path))
    every = [*(path for paths in holders.values() for path in paths), *options.access_committee, *options.register]
    every += options.certificate

    def role(paths: list[Path], threshold: int) -> dict[str, object]:
        keys = [signing.read_public(path).keyid for path in paths]
        return {"keys": keys, "threshold": threshold, "contact": options.contact}

    roles = {
        "demonstration": options.demonstration,
        "issued": canonical.timestamp(datetime.now(UTC)),
        "contact": options.contact,
        "data_holders": {name: {**role(paths, len(paths)), "scope": options.scope} for name, paths in holders.items()},
        "access_committee": role(options.access_committee, options.committee_threshold),
        "register": role(options.register, 1),
        **({"certificate": role(options.certificate, 1)} if options.certificate else {}),
    }
    signers = [open_key(path) for path in options.key]
    issue.write_trust_store(options.folder, roles, every)
    issue.write_revocations(options.folder, signers, datetime.now(UTC), timedelta(days=options.days))
    trust.load(options.folder)
    print(f"{options.folder}: give it to the administrator, who keeps it out of the users' reach")
    return 0
