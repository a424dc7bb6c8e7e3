"""Variant calls, whatever their representation."""

import gzip
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kimed_compare.comparator import NAMES, SWITCH, Comparator, Differences, Measure, Option, Settings, Unreadable


class Vcf(Comparator):
    """Content is, per sample, which alleles are where, with filters and the fields that are asked for.

    Multi-allelic records are taken apart and common bases trimmed on both sides (the parsimonious form of Tan et al.
    2015; without a reference a repeat's indel is not shifted, so callers should left-align, as `bcftools norm` does).
    """

    name = "vcf"
    meaning = "Alleles, genotypes and filters of variants in parsimonious form; not headers, order or quality values."
    suffixes = (".vcf", ".vcf.gz", ".bcf")
    measures = {  # noqa: RUF012
        "discordant_genotypes": Measure("Number of genotypes (variant and sample) that differ.", "genotypes"),
        "genotype_discordance": Measure("The same as a share of the genotypes that either side has.", "genotypes"),
        "changed_filters": Measure("Number of variants whose FILTER differs.", "filters"),
        "field_relative": Measure("Largest relative difference of a number in a field that is looked at.", "fields"),
        "field_absolute": Measure("Largest absolute difference of such a number.", "fields"),
    }
    options = {  # noqa: RUF012
        "fields": Option("Fields that are looked at too: `QUAL`, `INFO/AF`, `FORMAT/AD`.", [], NAMES),
        "phased": Option("Whether phase counts: 0|1 is not 1|0 or 0/1.", False, SWITCH),
        "ignore_filters": Option("Whether FILTER is not looked at.", False, SWITCH),
    }

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:
        """Samples, and by variant `chrom:pos:ref:alt` its genotypes, filter and fields."""
        import pysam  # noqa: PLC0415 - importing this package is cheap

        before = pysam.set_verbosity(0)
        try:
            with _plain(path) as readable, pysam.VariantFile(str(readable)) as file:
                variants: dict[str, Any] = {}
                for record in file:
                    for key, content in _alleles(record, options):
                        if key in variants:
                            raise Unreadable(f"{path.name}: variant {key} is there twice")
                        variants[key] = content
                samples = sorted(file.header.samples)
                contigs = sorted(file.header.contigs)
        except (OSError, ValueError, EOFError) as error:
            raise Unreadable(f"{path.name} is no readable VCF: {error}") from error
        finally:
            pysam.set_verbosity(before)
        _refuse_cut_off(path)
        return {"samples": samples, "contigs": contigs, "variants": variants}

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:  # noqa: ARG002
        """Samples first; then genotypes of all variants of either side."""
        result = Differences()
        for name in ("samples", "contigs"):
            result.keys(name[:-1], reference[name], found[name])
        first, second = reference["variants"], found["variants"]
        discordant, total = 0, 0
        for key in sorted(first.keys() | second.keys(), key=_place):
            before, after = first.get(key), second.get(key)
            mine, theirs = (side["genotypes"] if side else {} for side in (before, after))
            names = sorted({*mine, *theirs})
            changed = [name for name in names if mine.get(name) != theirs.get(name)]
            total += len(names) or 1
            if not (before and after):
                discordant += max(len(changed), 1)
                result.details.append(f"{key} is {'new' if after else 'missing'}")
                continue
            discordant += len(changed)
            result.details += [f"{key} {name}: {mine.get(name)} -> {theirs.get(name)}" for name in changed]
            if before["filter"] != after["filter"]:
                result.amounts["changed_filters"] = result.amounts.get("changed_filters", 0.0) + 1
                result.details.append(f"{key} FILTER: {before['filter']} -> {after['filter']}")
            _add_fields(result, key, before["fields"], after["fields"])
        if discordant:
            result.amounts["discordant_genotypes"] = float(discordant)
            result.amounts["genotype_discordance"] = discordant / max(total, 1)
        return result


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """A file that htslib reads: it does not seek in gzip that is no BGZF."""
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] != b"\x1f\x8b" or head[3] & 4:
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".vcf") as copy, gzip.open(path) as packed:
        shutil.copyfileobj(packed, copy)
        copy.flush()
        yield Path(copy.name)


def _refuse_cut_off(path: Path) -> None:
    """A BGZF file without its end mark was cut off; htslib only warns."""
    with path.open("rb") as file:
        if file.read(4) == b"\x1f\x8b\x08\x04":
            file.seek(-28, 2)
            if file.read() != bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000"):
                raise Unreadable(f"{path.name} was cut off: the end mark of BGZF is missing")


def _place(key: str) -> tuple[str, int, str]:
    chrom, pos, rest = key.split(":", 2)
    return chrom, int(pos), rest


def _alleles(record: Any, options: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """One entry per alternative allele that stands in the record."""
    filters = [] if options["ignore_filters"] else sorted(record.filter.keys())
    for number, alt in enumerate(record.alts or ("",), 1):
        pos, ref, short = _trimmed(record.pos, record.ref, alt)
        genotypes = {
            name: _genotype(call, number, phased=options["phased"])
            for name, call in record.samples.items()
            if "GT" in call
        }
        fields = {field: value for field in options["fields"] if (value := _field(record, field, number)) is not None}
        content = {"genotypes": genotypes, "filter": filters, "fields": fields}
        yield f"{record.chrom}:{pos}:{ref}:{short}", content


def _trimmed(pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Parsimonious form; symbolic and missing alleles stay as they are."""
    if not alt or alt[0] in "<*." or "[" in alt or "]" in alt:
        return pos, ref, alt
    ref, alt = ref.upper(), alt.upper()
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos, ref, alt


def _genotype(call: Any, number: int, *, phased: bool) -> str:
    """Copies of this allele: 1 where it is, 0 where another one is, '.' where nothing is known."""
    marks = ["." if allele is None else "1" if allele == number else "0" for allele in call["GT"]]
    return "|".join(marks) if phased and call.phased else "/".join(sorted(marks))


def _field(record: Any, field: str, number: int) -> Any:
    """Value of a field for one allele; numbers as floats."""
    where, _, name = field.partition("/")
    if field == "QUAL":
        return None if record.qual is None else float(record.qual)
    if where == "INFO":
        return _of_allele(record.info[name], record, number) if name in record.info else None
    values = {sample: _of_allele(call[name], record, number) for sample, call in record.samples.items() if name in call}
    return values or None


def _of_allele(value: Any, record: Any, number: int) -> Any:
    """Of a value per allele, that of reference and this one."""
    if not isinstance(value, tuple):
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    alleles = len(record.alleles)
    if len(value) == alleles:
        value = (value[0], value[number])
    elif len(value) == alleles - 1:
        value = (value[number - 1],)
    return [float(item) if isinstance(item, int | float) else item for item in value]


def _add_fields(result: Differences, key: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    for field in sorted(result.keys(f"{key} field", first, second)):
        if first[field] == second[field]:
            continue
        pairs = list(_numbers(first[field], second[field]))
        if not pairs:
            result.structure(f"{key} {field}: {first[field]} -> {second[field]}")
        for before, after in pairs:
            distance = abs(before - after)
            result.add("field_absolute", distance)
            result.add("field_relative", distance / max(abs(before), abs(after)) if distance else 0.0)
        result.details.append(f"{key} {field}: {first[field]} -> {second[field]}")


def _numbers(first: Any, second: Any) -> Iterator[tuple[float, float]]:
    """Pairs of numbers; none if the two are not of one form."""
    flat = [list(_flat(first)), list(_flat(second))]
    if len(flat[0]) == len(flat[1]) and all(isinstance(item, float) for side in flat for item in side):
        yield from zip(*flat, strict=True)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _flat(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value
