"""`spe audit {show,verify,export,checkpoint}`."""

import argparse
import json
import sys
from pathlib import Path

from kimed_spe import audit, canonical, gate, trust
from kimed_spe.permit_cli import open_key
from kimed_spe.register import Entry, Register


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    group = commands.add_parser("audit", help="read and verify the register")
    actions = group.add_subparsers(required=True, metavar="action")

    show = actions.add_parser("show", help="one line per entry")
    show.add_argument("--kind", help="e.g. job, permit, run.start")
    show.add_argument("--since", type=canonical.moment, help="RFC 3339 time")
    show.add_argument("--json", action="store_true", help="the entries themselves")
    show.set_defaults(run=_show)

    verify = actions.add_parser("verify", help="find edits, deletions, reordering, truncation, forks and forgeries")
    verify.add_argument("--trust", type=Path, default=gate.places()[1])
    verify.add_argument("--anchor", type=Path, action="append", default=[], help="a checkpoint that was kept elsewhere")
    verify.add_argument("--files", type=Path, metavar="FOLDER", help="also re-hash the outputs of jobs below it")
    verify.add_argument("--proof", type=Path, help="instead: is this exported entry proven by the one --anchor?")
    verify.set_defaults(run=_verify)

    export = actions.add_parser("export", help="one entry with the proof that it is in the register, or all entries")
    export.add_argument("--entry", type=int, help="number of the entry; without it, all are written")
    export.add_argument("--anchor", type=Path, help="the checkpoint that is to prove it (default: of the present size)")
    export.add_argument("--output", "-o", type=Path)
    export.set_defaults(run=_export)

    checkpoint = actions.add_parser("checkpoint", help="sign the present state; then copy the file to somebody else")
    checkpoint.add_argument("--key", type=Path, required=True, help="private key of the role `register`")
    checkpoint.set_defaults(run=_checkpoint)

    for parser in (show, verify, export, checkpoint):
        parser.add_argument("--register", type=Path, help="folder (default: KIMED_REGISTER or .spe/register)")


def _line(entry: Entry) -> str:
    details = {name: value for name, value in entry.content.items() if isinstance(value, (str, int, float, bool))}
    text = " ".join(f"{name}={value}" for name, value in details.items())
    return canonical.plain(f"{entry.index:6d}  {entry.time[:19]}Z  {entry.kind:18s}  {text}")


def _show(options: argparse.Namespace) -> int:
    for entry in audit.after(Register(options.register).entries(), options.since, options.kind):
        print(entry.line().decode() if options.json else _line(entry))
    return 0


def _verify(options: argparse.Namespace) -> int:
    store = trust.load(options.trust)
    if options.proof:
        if len(options.anchor) != 1:
            raise ValueError("--proof needs the one checkpoint that it is proven against: --anchor FILE")
        wrong = audit.verify_proof(canonical.decode(options.proof.read_bytes()), options.anchor[0], store)
        print(wrong or f"{options.proof}: proven by {options.anchor[0]}")
        return 1 if wrong else 0
    register = Register(options.register)
    if not register.log.exists():
        raise ValueError(f"there is no register in {register.path}")
    findings = audit.verify(register, store, options.anchor)
    log = audit.read(register)
    findings += audit.foreign_inputs(log.entries)
    if options.files:
        findings += audit.changed_files(log.entries, options.files)
    for finding in findings:
        print(canonical.plain(str(finding)))
    checkpoints = len(list((register.path / "checkpoints").glob("*.json"))) + len(options.anchor)
    print(f"{len(log.leaves)} entries, {checkpoints} checkpoints: {len(findings) or 'no'} finding(s)")
    if not checkpoints:
        print("Without a checkpoint, entries removed from the end cannot be seen: spe audit checkpoint")
    return 1 if findings else 0


def _export(options: argparse.Namespace) -> int:
    register = Register(options.register)
    if options.entry is None:
        text = "".join(f"{entry.line().decode()}\n" for entry in register.entries())
    else:
        text = json.dumps(audit.proof(register, options.entry, options.anchor), indent=1, ensure_ascii=False) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


def _checkpoint(options: argparse.Namespace) -> int:
    path, _ = Register(options.register).checkpoint(open_key(options.key))
    print(f"{path}: copy it to the trust centre or another office, out of this machine's reach")
    return 0
