"""`spe pseudonym {init,issue,resolve}`: for the trust centre, on its own machine."""

import argparse
import csv
import os
import sys
from pathlib import Path

from kimed_spe import gate, pseudonym
from kimed_spe.pseudonym_services import Gpas, GpasSoap, Mainzelliste
from kimed_spe.trust_centre import PseudonymService, TrustCentre, TrustCentreError

CREDENTIAL = "SPE_PSEUDONYM_CREDENTIAL"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    group = commands.add_parser("pseudonym", help="trust centre: pseudonyms per project (never inside an SPE)")
    actions = group.add_subparsers(required=True, metavar="action")

    init = actions.add_parser("init", help="open the domain of a project; makes the master key if there is none")
    init.add_argument("--purpose", required=True, help="why the domain exists; recorded")
    init.set_defaults(run=_init)

    issue = actions.add_parser("issue", help="write a project's linkage file")
    text = "table with the column `identifier` and, where identifiers belong to a patient, `patient`"
    issue.add_argument("identifiers", type=Path, help=text)
    issue.add_argument("--output", "-o", type=Path, required=True, help="linkage file (mode 600)")
    issue.set_defaults(run=_issue)

    resolve = actions.add_parser("resolve", help="tell whose pseudonym this is; recorded with its reason")
    resolve.add_argument("pseudonym")
    resolve.add_argument("--reason", required=True)
    resolve.set_defaults(run=_resolve)

    for parser in (init, issue, resolve):
        parser.add_argument("--store", type=Path, required=True, help="folder of the trust centre")
        parser.add_argument("--key", type=Path, required=True, help="master key, outside that folder")
        parser.add_argument("--project", required=True, help="the domain")
    for parser in (issue, resolve):
        parser.add_argument("--service", choices=("own", "gpas", "gpas-soap", "mainzelliste"), default="own")
        parser.add_argument("--url", help=f"address of the service; its credential is in {CREDENTIAL}")


def _service(options: argparse.Namespace, centre: TrustCentre) -> PseudonymService:
    if options.service == "own":
        return centre
    credential = os.environ.get(CREDENTIAL)
    if not options.url:
        raise TrustCentreError(f"--service {options.service} needs --url")
    if options.service in ("gpas", "gpas-soap"):
        return (Gpas if options.service == "gpas" else GpasSoap)(options.url, credential)
    if not credential:
        raise TrustCentreError(f"Mainzelliste needs its API key in {CREDENTIAL}")
    return Mainzelliste(options.url, credential)


def _init(options: argparse.Namespace) -> int:
    made = not options.key.exists()
    centre = (TrustCentre.create if made else TrustCentre)(options.store, options.key)
    centre.add_domain(options.project, options.purpose)
    if made:
        print(f"{options.key}: the master key. Keep a copy in a safe: without it nobody can continue a project.")
    print(f"domain {options.project} is open ({len(centre.domains())} in all)")
    return 0


def _patients(path: Path) -> dict[str, str]:
    """Patient by identifier."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or "identifier" not in rows[0]:
        raise TrustCentreError(f"{path}: a table with tabs and the column `identifier` is needed")
    found: dict[str, str] = {}
    for line, row in enumerate(rows, 2):
        name = pseudonym.normalised(row["identifier"] or "")
        patient = pseudonym.normalised(row.get("patient") or name)
        if found.setdefault(name, patient) != patient:
            raise TrustCentreError(f"{path}: line {line}: this identifier already belongs to another patient")
    return found


def _issue(options: argparse.Namespace) -> int:
    centre = TrustCentre(options.store, options.key)
    domain = centre.domain(options.project)
    patients = _patients(options.identifiers)
    issued = _service(options, centre).issue(options.project, patients)
    text = pseudonym.linkage_file(pseudonym.links(domain, patients, issued))
    # A new file in place of the old one, whose mode others may have widened.
    temporary = options.output.with_name(f".{options.output.name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(options.output)
    print(f"{options.output}: {len(issued)} identifiers of {options.project}; only ingest rules may read it")
    return 0


def _resolve(options: argparse.Namespace) -> int:
    centre = TrustCentre(options.store, options.key)
    record = {"domain": options.project, "pseudonym": options.pseudonym, "reason": options.reason}
    centre.register.append("pseudonym.resolved", {**record, "user": gate.current_user(), "service": options.service})
    sys.stdout.write(_service(options, centre).resolve(options.project, options.pseudonym) + "\n")
    return 0
