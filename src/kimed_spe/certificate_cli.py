"""`spe certificate {verify,show}`: needs only this package, securesystemslib and cryptography."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kimed_spe import certificate, signing
from kimed_spe.certificate import Certificate, CertificateError, Forged

if TYPE_CHECKING:
    from kimed_spe.signing import Key

GENUINE_AND_PASSED, NOT_GENUINE, UNREADABLE, GENUINE_BUT_NOT_PASSED = 0, 1, 2, 3


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    group = commands.add_parser("certificate", help="verify and show certificates of reproductions")
    actions = group.add_subparsers(required=True, metavar="action")

    verify = actions.add_parser(
        "verify", help="is it genuine, and what does it say",
        epilog="exit: 0 genuine and reproduced; 1 not genuine; 2 cannot be read; 3 genuine, but not reproduced",
    )  # fmt: skip
    verify.add_argument("certificate", type=Path)
    verify.add_argument(
        "--key", type=Path, action="append", default=[], help="public key of the signer; may be repeated"
    )
    verify.add_argument("--trust", type=Path, help="trust store: its role `certificate`, less what was revoked")
    verify.add_argument("--expect", metavar="SHA256", help="digest of the certificate, as told by somebody else")
    verify.set_defaults(run=_verify)

    show = actions.add_parser("show", help="what it says, without proving anything")
    show.add_argument("certificate", type=Path)
    show.add_argument("--json", action="store_true", help="the signed statement")
    show.add_argument("--html", type=Path, help="write the page (without pictures) to this file")
    show.set_defaults(run=_show)


def _keys(options: argparse.Namespace) -> "list[Key]":
    keys: list[Key] = [signing.read_public(path) for path in options.key]
    if options.trust:
        from kimed_spe import trust  # noqa: PLC0415 - most who verify have no trust store

        store = trust.load(options.trust)
        if store.certificate is None:
            raise CertificateError(f"the trust store {options.trust} names no keys for certificates")
        keys += [store.keys[name] for name in sorted(store.certificate.keys - set(store.revocations.keys))]
    if not keys:
        raise CertificateError("name the signer's public key: --key FILE, or --trust FOLDER")
    return keys


def _verify(options: argparse.Namespace) -> int:
    try:
        found = certificate.verify(options.certificate, _keys(options))
    except Forged as error:
        print(f"NOT GENUINE: {error}")
        return NOT_GENUINE
    if options.expect and options.expect.lower() != found.digest:
        print(f"NOT THE ONE: {options.certificate} has SHA-256 {found.digest}, expected {options.expect}")
        return NOT_GENUINE
    print(f"Genuine: signed by {', '.join(sorted(found.signers))}")
    if found.demonstration:
        print("BUT this is the demonstration key, which everybody has: it proves nothing about who signed.")
    print("\n".join(_told(found)))
    return GENUINE_AND_PASSED if found.passes else GENUINE_BUT_NOT_PASSED


def _show(options: argparse.Namespace) -> int:
    found = certificate.read(options.certificate)
    if options.json:
        print(json.dumps(found.statement, indent=1, sort_keys=True, ensure_ascii=False))
    elif options.html:
        from kimed_spe import certificate_page  # noqa: PLC0415 - needs Jinja, which verification does not

        certificate_page.write(found, options.html)
        print(options.html)
    else:
        print("\n".join(_told(found)))
        print("\n".join(_outputs(found)))
        print("Nothing of this is proven: spe certificate verify")
    return 0


def _told(found: Certificate) -> list[str]:
    """The certificate in some lines."""
    predicate = found.predicate
    counts = ", ".join(f"{count} {name}" for name, count in predicate["summary"].items() if count)
    return [
        f"Verdict:   {found.verdict.upper()} ({counts or 'no outputs'})",
        f"Workflow:  {predicate['reproduced']['workflow']}, source tree {predicate['workflow']['digest']}",
        "Reference: {kind} {name}, {sha256}".format(**predicate["reference"]),
        *(f"Input:     {item['id']} version {item['version']}, {item['manifest']}" for item in predicate["inputs"]),
        f"Issued:    {predicate['times']['issued']}",
        f"SHA-256:   {found.digest}",
    ]


def _outputs(found: Certificate) -> list[str]:
    return [
        f"  {output['verdict']:16s} {output['name']}"
        + "".join(f"  {name} {value:.3g}" for name, value in output["distance"].items() if not isinstance(value, str))
        for output in found.predicate["outputs"]
    ]
