"""Bring the somatic calls of another caller into the form of `call_somatic`."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_files import open_variants, read_bed
from kimedlib.genomics_population import spelled_once
from kimedlib.genomics_somatic_vcf import (
    NOT_SOMATIC,
    OWN_FILTERS,
    OtherCall,
    Shown,
    from_mutect2,
    from_strelka,
    from_varlociraptor,
    others_of,
    somatic_header,
    spell_out_deletion,
    with_false_discovery_rate,
)
from kimedlib.logs import log_to
from kimedlib.variant_comparison import Regions


def calls_of(
    records: Iterable[pysam.VariantRecord], caller: str, normal: str | None, tumour: str
) -> Iterator[OtherCall]:
    """All calls, read as the caller writes them."""
    for record in records:
        if caller == "mutect2":
            yield from from_mutect2(record, normal, tumour)
        elif caller == "strelka":
            yield from from_strelka(record)
        else:
            yield from from_varlociraptor(record)


def filter_texts(headers: Sequence[pysam.VariantHeader]) -> dict[str, str]:
    """Names and descriptions of the caller's filters, and ours."""
    texts = {
        str(name): str(one.description or "filter of the caller")
        for header in headers
        for name, one in header.filters.items()
        if name != "PASS"
    }
    return {**texts, **OWN_FILTERS}


def called_places(targets: Path | None, region: str) -> Iterator[Regions]:
    """Where calls are kept: within all of these."""
    if targets:
        yield Regions(read_bed(targets))
    if region:
        contig, _, ends = region.rpartition(":") if ":" in region else (region, "", "")
        first, last = (int(one.replace(",", "")) for one in ends.split("-")) if ends else (1, 1 << 40)
        yield Regions([(contig, first - 1, last)])


def within(call: OtherCall, places: Sequence[Regions]) -> bool:
    """Whether the first base of a call lies in all of `places`."""
    return all(
        any(start <= call.start < end for start, end in one.merged.get(call.contig, [])) for one in places
    )  # fmt: skip


def read_calls(
    paths: Sequence[Path], caller: str, samples: tuple[str | None, str], fasta: pysam.FastaFile
) -> tuple[list[OtherCall], list[pysam.VariantHeader]]:
    """All calls of all files, left-aligned, and the headers.

    Raises
    ------
    ValueError
        Another build, no calls, or an allele that got lost.
    """
    found: list[OtherCall] = []
    headers = []
    alleles = 0
    for path in paths:
        with open_variants(path) as source:
            headers.append(source.header.copy())
            for name in source.header.contigs:
                if name not in fasta.references:
                    raise ValueError(f"{path}: contig '{name}' is not in the reference; is it of another build?")
            for record in source:
                spell_out_deletion(record, fasta)
                alleles += len(others_of(record))
                found += calls_of([record], caller, *samples)
    if not found:
        raise ValueError(f"{caller} called nothing, filtered or not; was anything sequenced here?")
    if len(found) != alleles:
        raise ValueError(f"{alleles} alleles were called, {len(found)} were read")
    for number, call in enumerate(found):
        contig, start, gone, new = spelled_once(fasta, call.contig, call.start, call.alleles)
        if fasta.fetch(contig, start, start + len(gone)).upper() != gone:
            raise ValueError(f"{contig}:{start + 1}: the reference does not read {gone}; is it of another build?")
        found[number] = call._replace(start=start, alleles=(gone, new))
    return found, headers


def once_each(calls: Iterable[OtherCall]) -> Iterator[OtherCall]:
    """Calls without those written in two ways: the one that passes and is surer stays, the log names the place."""
    chosen: dict[tuple[str, int, tuple[str, str]], OtherCall] = {}
    for call in calls:
        key = call.contig, call.start, call.alleles
        if key in chosen:
            print(f"{call.contig}:{call.start + 1} {'>'.join(call.alleles)} was called twice")
        chosen[key] = max(
            (call, chosen.get(key, call)), key=lambda one: (not one.failed, one.quality, one.failed, one.tumour)
        )
    yield from chosen.values()


def main(
    *,
    calls: Sequence[Path],
    caller: str,
    normal: str | None,
    tumour: str,
    reference: Path,
    variants: Path,
    maximum_fdr: float,
    targets: Path | None = None,
    region: str = "",
) -> None:
    """Write one left-aligned allele per record, with the fields of `call_somatic` and the filters of the caller.

    Parameters
    ----------
    calls
        VCF or BCF files of the caller; Strelka writes two.
    caller
        mutect2, strelka or varlociraptor.
    normal, tumour
        Samples; None for no normal.
    reference
        Indexed FASTA.
    variants
        VCF to write; samples are normal and tumour in this order.
    maximum_fdr
        Expected share of false calls of varlociraptor.
    targets, region
        Where calls are kept; None and "" for everywhere.

    Raises
    ------
    ValueError
        Files of another caller, sample or build; no calls at all; an allele that got lost.
    """
    with pysam.FastaFile(str(reference)) as fasta:
        found, headers = read_calls(calls, caller, (normal, tumour), fasta)
        contigs = dict(zip(fasta.references, fasta.lengths, strict=True))
    places = list(called_places(targets, region))
    order = {name: number for number, name in enumerate(contigs)}
    kept = sorted(
        (one for one in once_each(found) if within(one, places)),
        key=lambda one: (order[one.contig], one.start, one.alleles),
    )
    if caller == "varlociraptor":
        kept = with_false_discovery_rate(kept, maximum_fdr)
    samples = [one for one in (normal, tumour) if one]
    header = somatic_header(contigs, samples, filter_texts(headers))
    with atomic_path(variants) as temporary, pysam.VariantFile(str(temporary), "wz", header=header) as sink:
        for call in kept:
            sink.write(as_record(sink, call))


def as_record(sink: pysam.VariantFile, call: OtherCall) -> pysam.VariantRecord:
    """The VCF record of a call; what passes without a read of the tumour does not pass."""
    failed = list(call.failed) + [NOT_SOMATIC] * (not call.failed and not call.tumour.other)
    record = sink.new_record(
        contig=call.contig, start=call.start, alleles=call.alleles, qual=round(call.quality, 2),
        filter=failed or ["PASS"],
    )  # fmt: skip
    if not failed:
        record.info["SOMATIC"] = True
    shown: list[Shown] = [one for one in (call.normal, call.tumour) if one is not None]
    for number, one in enumerate(shown):
        record.samples[number]["GT"] = (0, int(one is call.tumour))
        record.samples[number]["AD"] = (one.reference, one.other)
        record.samples[number]["DP"] = one.total
        record.samples[number]["AF"] = (round(one.fraction, 4),)
    return record


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            calls=[Path(path) for path in snakemake.input.calls],
            caller=snakemake.params.caller,
            normal=snakemake.params.normal or None,
            tumour=snakemake.wildcards.sample,
            reference=Path(snakemake.input.reference),
            variants=Path(snakemake.output.variants),
            maximum_fdr=snakemake.params.maximum_fdr,
            targets=Path(snakemake.input.targets) if snakemake.input.targets else None,
            region=snakemake.params.region,
        )
