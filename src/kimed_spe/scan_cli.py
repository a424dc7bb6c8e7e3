"""`spe scan`: search outputs for original identifiers."""

import argparse
import json
import sysconfig
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kimed_spe import canonical, scan


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("scan", help="search outputs, packed ones too, for original identifiers")
    text = "one identifier per line, or a table whose first column is `identifier` (a linkage file)"
    parser.add_argument("--identifiers", type=Path, required=True, help=text)
    parser.add_argument("--column", help="which column of a table with a header holds the identifiers")
    parser.add_argument("paths", type=Path, nargs="+", help="files and folders")
    parser.add_argument("--strict", action="store_true", help="what cannot be searched completely fails as well")
    parser.add_argument("--limit-gb", type=float, default=scan.LIMIT / 2**30, help="what one file may decode to")
    text = "folder of installed software whose program text, where a page carries it, is told but not counted (may be "
    text += "repeated; always: the software of this command's own environment)"
    parser.add_argument("--software", type=Path, action="append", default=[], help=text)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_scan)


def _scan(options: argparse.Namespace) -> int:
    identifiers = scan.read_identifiers(options.identifiers, options.column)
    software = [Path(sysconfig.get_path("purelib")), *options.software]
    found = list(scan.scan(options.paths, identifiers, int(options.limit_gb * 2**30), software))
    hits = [item for item in found if isinstance(item, scan.Hit)]
    shipped = [item for item in found if isinstance(item, scan.Shipped)]
    gaps = [item for item in found if isinstance(item, scan.Gap)]
    if options.json:
        kinds: dict[str, Sequence[Any]] = {"hits": hits, "shipped": shipped, "gaps": gaps}
        print(json.dumps({kind: list(map(asdict, items)) for kind, items in kinds.items()}, indent=1))
    else:
        for item in found:
            print(canonical.plain(str(item)))
        counted = f"{len(hits)} hits of {len(identifiers)} identifiers"
        print(f"{counted}; {len(shipped)} in text of installed software; {len(gaps)} places not searched completely")
    return 1 if hits or (options.strict and gaps) else 0
