"""Alignments (SAM, BAM, CRAM): the reads, whatever their compression."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimed_compare.comparator import NAMES, SWITCH, TEXT, Comparator, Differences, Measure, Option, Settings, Unreadable

MOST_NAMED = 8


class Alignments(Comparator):
    """Content is every record with all fields and tags, sequence dictionary and read groups.

    Records are kept as digests: two files of alignments fit into memory that the records would not.
    """

    name = "cram"
    meaning = "Fields and tags of all records, sequences, read groups; not @PG, comments, order of tags, compression."
    suffixes = (".cram", ".bam", ".sam")
    measures = {"changed_records": Measure("Number of records that differ, are missing or are new.", "records")}  # noqa: RUF012
    options = {  # noqa: RUF012
        "reference": Option("FASTA that CRAM files need, unless they embed it.", "", TEXT, place=True),
        "ignored_tags": Option("Tags that are not looked at.", [], NAMES),
        "ordered": Option("Whether the order of records counts.", True, SWITCH),
    }

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:
        """Sequences, read groups, and the digest of each record with its name and place."""
        import pysam  # noqa: PLC0415 - importing this package is cheap

        before = pysam.set_verbosity(0)
        try:
            with pysam.AlignmentFile(
                str(path), check_sq=False, reference_filename=options["reference"] or None
            ) as file:
                header = file.header.to_dict()
                records = [_record(read, options["ignored_tags"]) for read in file.fetch(until_eof=True)]
            if path.suffix != ".sam":
                pysam.quickcheck(str(path))
        except (OSError, ValueError, EOFError, pysam.utils.SamtoolsError) as error:
            raise Unreadable(f"{path.name} holds no readable alignments: {error}") from error
        finally:
            pysam.set_verbosity(before)
        if not options["ordered"]:
            records.sort()
        sequences = [[line["SN"], int(line["LN"])] for line in header.get("SQ", [])]
        groups = sorted(sorted(line.items()) for line in header.get("RG", []))
        return {
            "sequences": sequences,
            "groups": [[list(item) for item in group] for group in groups],
            "records": records,
        }

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:  # noqa: ARG002
        """Header, then records as a multiset, then their order."""
        from collections import Counter  # noqa: PLC0415

        result = Differences()
        for name in ("sequences", "groups"):
            if reference[name] != found[name]:
                result.structure(f"{name} of the header differ")
        sides = [Counter(map(tuple, side["records"])) for side in (reference, found)]
        missing, new = sides[0] - sides[1], sides[1] - sides[0]
        changed = max(missing.total(), new.total())
        if changed:
            result.amounts["changed_records"] = float(changed)
            for word, records in (("missing or changed", missing), ("new or changed", new)):
                for name, place, _ in sorted(records)[:MOST_NAMED]:
                    result.details.append(f"record {name} at {place} is {word}")
        elif reference["records"] != found["records"]:
            result.structure("the same records stand in another order")
        return result


def _record(read: Any, ignored: list[str]) -> list[str]:
    fields = read.to_dict()
    tags = sorted(tag for tag in fields.pop("tags") if tag[:2] not in ignored)
    text = "\t".join([*(str(fields[name]) for name in sorted(fields)), *tags])
    place = f"{read.reference_name}:{read.reference_start + 1}"
    return [f"{read.query_name}/{1 + read.is_read2}", place, hashlib.sha256(text.encode()).hexdigest()]
