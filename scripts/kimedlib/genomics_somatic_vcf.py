"""What all files of somatic calls look like, whoever called; and how other callers' fields say the same.

Field meanings are those of the tools' documentation: Strelka2 user guide, "Somatic variant allele frequencies" (counts
of tier 1); GATK 4.6 FilterMutectCalls (AS_FilterStatus: per allele, separated by "|", SITE where only the place has
filters); varlociraptor (Koester et al. 2020, doi:10.1186/s13059-020-01993-6): PROB_* are phred-scaled.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pysam

from kimedlib.genomics_somatic import FILTERS

FORMATS = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Whether the sample shows the allele">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Fragments per allele">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Fragments of any allele; of indels those over its repeat">',
    '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Share of fragments that show the allele">',
    '##INFO=<ID=SOMATIC,Number=0,Type=Flag,Description="Passed all filters">',
)
NOT_SOMATIC = "not_somatic"
OWN_FILTERS = {
    NOT_SOMATIC: "The caller says that the allele is in the normal too, or gives it no odds",
    "fdr": "Beyond the false discovery rate of the config, by the probabilities of varlociraptor",
}
MAXIMUM_QUALITY = 3000.0


class Shown(NamedTuple):
    """Reads of one sample that show the reference, the other allele, and any."""

    reference: int
    other: int
    total: int

    @property
    def fraction(self) -> float:
        """Share of the reads of both alleles."""
        both = self.reference + self.other
        return self.other / both if both else 0.0


class OtherCall(NamedTuple):
    """An allele as another caller sees it; `normal` is None without a normal."""

    contig: str
    start: int
    alleles: tuple[str, str]
    normal: Shown | None
    tumour: Shown
    quality: float
    failed: tuple[str, ...]


def somatic_header(
    contigs: Mapping[str, Any], samples: Iterable[str], filters: Mapping[str, str] = FILTERS
) -> pysam.VariantHeader:
    """Header of a file of somatic calls.

    Parameters
    ----------
    contigs
        Names to lengths, or to pysam's contigs.
    samples
        Normal (if there is one) and tumour.
    filters
        Names and descriptions.
    """
    header = pysam.VariantHeader()
    for name, contig in contigs.items():
        header.contigs.add(name, length=getattr(contig, "length", contig))
    for name, text in filters.items():
        header.filters.add(name, None, None, text)
    for line in FORMATS:
        header.add_line(line)
    for name in samples:
        header.add_sample(name)
    return header


def place_of(record: pysam.VariantRecord) -> str:
    """For messages."""
    return f"{record.contig}:{record.pos}"


def field(values: Mapping[str, Any], name: str, record: pysam.VariantRecord) -> Any:
    """A field of INFO or of a sample.

    Raises
    ------
    ValueError
        The record lacks it.
    """
    try:
        value = values[name]
    except KeyError:
        value = None
    if value is None or (isinstance(value, tuple) and None in value):
        raise ValueError(f"{place_of(record)}: {name} is missing; is this the caller's own, unchanged output?")
    return value


def sample_of(record: pysam.VariantRecord, name: str) -> Any:
    """A sample of a record.

    Raises
    ------
    ValueError
        There is no such sample.
    """
    if name not in list(record.samples):
        known = ", ".join(record.samples)
        raise ValueError(f"the calls are not of sample '{name}' but of: {known or 'nobody'}")
    return record.samples[name]


def others_of(record: pysam.VariantRecord) -> list[tuple[int, str]]:
    """Number and bases of all alleles that are spelled out; spanning deletions and symbols are not."""
    return [(number, one) for number, one in enumerate(record.alts or ()) if set(one.upper()) <= set("ACGTN")]


def spell_out_deletion(record: pysam.VariantRecord, fasta: pysam.FastaFile) -> None:
    """Write the alleles of a deletion in bases: varlociraptor writes those of more than 50 bases as <DEL> and SVLEN."""
    if record.alts == ("<DEL>",) and "SVLEN" in record.info:
        length = abs(int(one(record.info["SVLEN"], record)))
        bases = fasta.fetch(record.contig, record.start, record.start + length + 1).upper()
        record.alleles = (bases, bases[0])


def filters_of(record: pysam.VariantRecord) -> tuple[str, ...]:
    """Filters that a record fails."""
    return tuple(name for name in record.filter if name not in {"PASS", "."})


def from_strelka(record: pysam.VariantRecord) -> Iterator[OtherCall]:
    """Calls of Strelka2: first of the two numbers of AU, CU, GU, TU (substitutions) or TAR and TIR (indels)."""
    genotype = str(field(record.info, "SGT", record)).split("->")
    if len(genotype) != 2:
        raise ValueError(f"{place_of(record)}: SGT '{'->'.join(genotype)}' is not of the form normal->tumour")
    germline = field(record.info, "NT", record) != "ref"
    name = next((one for one in ("SomaticEVS", "QSS_NT", "QSI_NT") if one in record.info), "SomaticEVS")
    quality = float(field(record.info, name, record))
    for _, other in others_of(record):
        substitution = len(record.ref) == len(other) == 1

        def shown(role: str, other: str = other, substitution: bool = substitution) -> Shown:
            cells = sample_of(record, role)
            names = (f"{record.ref.upper()}U", f"{other.upper()}U") if substitution else ("TAR", "TIR")
            counts = [int(field(cells, one, record)[0]) for one in names]
            return Shown(counts[0], counts[1], int(field(cells, "DP", record)))

        failed = (*filters_of(record), *[NOT_SOMATIC] * germline)
        yield OtherCall(
            record.contig, record.start, (record.ref, other), shown("NORMAL"), shown("TUMOR"), quality, failed
        )


def allele_filters(record: pysam.VariantRecord) -> list[tuple[str, ...]]:
    """Filters of every allele of a record of FilterMutectCalls: its own, and those of the place."""
    site = filters_of(record)
    if "AS_FilterStatus" not in record.info:
        raise ValueError(f"{place_of(record)}: AS_FilterStatus is missing; run FilterMutectCalls on the calls")
    status = record.info["AS_FilterStatus"]
    # lists within a list: the commas are of one allele's filters, which VCF takes for those between values
    texts = ",".join(status if isinstance(status, tuple) else (status,)).split("|")
    if len(texts) != len(record.alts or ()):
        raise ValueError(
            f"{place_of(record)}: AS_FilterStatus has {len(texts)} parts for {len(record.alts or ())} alleles"
        )
    own = [{one.strip() for one in text.split(",")} - {"SITE", "PASS", "."} for text in texts]
    return [tuple(dict.fromkeys((*site, *sorted(one)))) for one in own]


def from_mutect2(record: pysam.VariantRecord, normal: str | None, tumour: str) -> Iterator[OtherCall]:
    """Calls of Mutect2 after FilterMutectCalls; QUAL is ten times the log10 odds of the tumour (TLOD)."""
    odds = field(record.info, "TLOD", record)
    failed = allele_filters(record)
    for number, other in others_of(record):

        def shown(name: str, number: int = number) -> Shown:
            counts = field(sample_of(record, name), "AD", record)
            return Shown(int(counts[0]), int(counts[number + 1]), int(sum(counts)))

        yield OtherCall(
            record.contig, record.start, (record.ref, other), shown(normal) if normal else None, shown(tumour),
            10 * float(odds[number]), failed[number],
        )  # fmt: skip


def from_varlociraptor(record: pysam.VariantRecord) -> Iterator[OtherCall]:
    """Calls of varlociraptor; counts are its depth times its allele frequency, as it gives no counts.

    Where no sample has an observation, all probabilities are missing; such a place is not somatic.
    """
    if not others_of(record):
        return
    declared = "PROB_SOMATIC_TUMOR" in record.header.info
    if declared and not any(record.info[name][0] is not None for name in record.info if name.startswith("PROB_")):
        nothing = Shown(0, 0, 0)
        for _, other in others_of(record):
            yield OtherCall(
                record.contig, record.start, (record.ref, other), nothing, nothing, 0.0,
                (*filters_of(record), NOT_SOMATIC),
            )  # fmt: skip
        return
    somatic = 10 ** (-float(one(field(record.info, "PROB_SOMATIC_TUMOR", record), record)) / 10)
    error = max(0.0, 1 - somatic)
    quality = -10 * math.log10(error) if error else MAXIMUM_QUALITY
    for number, other in others_of(record):

        def shown(role: str, number: int = number) -> Shown:
            cells = sample_of(record, role)
            depth = int(one(field(cells, "DP", record), record))
            fractions = field(cells, "AF", record)
            count = round(depth * float(fractions[number] if isinstance(fractions, tuple) else fractions))
            return Shown(depth - count, count, depth)

        yield OtherCall(
            record.contig, record.start, (record.ref, other), shown("normal"), shown("tumor"), quality,
            filters_of(record),
        )  # fmt: skip


def one(value: Any, record: pysam.VariantRecord) -> Any:
    """The only value of a field.

    Raises
    ------
    ValueError
        There are several: varlociraptor writes one allele per record.
    """
    if not isinstance(value, tuple):
        return value
    if len(value) != 1:
        raise ValueError(f"{place_of(record)}: {len(value)} values where one allele has one; split alleles first")
    return value[0]


def with_false_discovery_rate(calls: Sequence[OtherCall], maximum: float) -> list[OtherCall]:
    """Calls of varlociraptor with the filter `fdr` where the expected share of false calls would pass `maximum`.

    The Bayesian rule of its control-fdr: the longest list by falling probability whose mean posterior error is at most
    `maximum` (Mueller et al. 2004, doi:10.1198/016214504000001646). Alleles that are likelier not somatic never pass.
    Calls of equal probability pass together or not at all, so that their order does not matter.
    """

    def error(call: OtherCall) -> float:
        return float(10 ** (-call.quality / 10))

    errors = sorted(error(call) for call in calls if not call.failed)
    largest, total = -1.0, 0.0
    for number, value in enumerate(errors, 1):
        total += value
        tied = number < len(errors) and errors[number] == value
        if not tied and total / number <= maximum and value < 0.5:
            largest = value
    return [
        call if call.failed or error(call) <= largest else call._replace(failed=("fdr",))
        for call in calls
    ]  # fmt: skip
