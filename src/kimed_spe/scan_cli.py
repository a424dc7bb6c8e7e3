"""`spe scan`: search outputs for original identifiers."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from kimed_spe import canonical, scan


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("scan", help="search outputs, packed ones too, for original identifiers")
    text = "one identifier per line, or a table whose first column is `identifier` (a linkage file)"
    parser.add_argument("--identifiers", type=Path, required=True, help=text)
    parser.add_argument("paths", type=Path, nargs="+", help="files and folders")
    parser.add_argument("--strict", action="store_true", help="what cannot be searched completely fails as well")
    parser.add_argument("--limit-gb", type=float, default=scan.LIMIT / 2**30, help="what one file may decode to")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_scan)


def _scan(options: argparse.Namespace) -> int:
    identifiers = scan.read_identifiers(options.identifiers)
    found = list(scan.scan(options.paths, identifiers, int(options.limit_gb * 2**30)))
    hits = [item for item in found if isinstance(item, scan.Hit)]
    gaps = [item for item in found if isinstance(item, scan.Gap)]
    if options.json:
        print(json.dumps({"hits": list(map(asdict, hits)), "gaps": list(map(asdict, gaps))}, indent=1))
    else:
        for item in found:
            print(canonical.plain(str(item)))
        print(f"{len(hits)} hits of {len(identifiers)} identifiers; {len(gaps)} places not searched completely")
    return 1 if hits or (options.strict and gaps) else 0
