"""Calls in the form of the tools' documentation; the tools themselves are not needed."""

import pysam
import pytest
from genomics_steps import indexed_reference

from genomics import convert_somatic_calls
from kimedlib.genomics_files import open_variants

MUTECT2 = """##FILTER=<ID=strand_bias,Description="Evidence comes from one strand only">
##FILTER=<ID=weak_evidence,Description="Mutation does not meet likelihood threshold">
##FILTER=<ID=germline,Description="Evidence indicates this site is germline">
##INFO=<ID=TLOD,Number=A,Type=Float,Description="Log 10 likelihood ratio score of variant existing">
##INFO=<ID=AS_FilterStatus,Number=A,Type=String,Description="Filter status for each allele">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Allelic depths">
##FORMAT=<ID=AF,Number=A,Type=Float,Description="Allele fractions">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
"""
STRELKA = """##FILTER=<ID=LowEVS,Description="Somatic Empirical Variant Score (SomaticEVS) is below threshold">
##FILTER=<ID=LowDepth,Description="Tumor or normal sample read depth at this locus is below 2">
##INFO=<ID=SOMATIC,Number=0,Type=Flag,Description="Somatic mutation">
##INFO=<ID=NT,Number=1,Type=String,Description="Genotype of the normal in all data tiers">
##INFO=<ID=SGT,Number=1,Type=String,Description="Most likely somatic genotype excluding normal noise states">
##INFO=<ID=SomaticEVS,Number=1,Type=Float,Description="Somatic Empirical Variant Score (EVS)">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Read depth for tier1">
"""
BASES = "".join(
    f'##FORMAT=<ID={base}U,Number=2,Type=Integer,Description="Number of alleles used in tiers 1,2">\n'
    for base in "ACGT"
)
LENGTHS = """##FORMAT=<ID=TAR,Number=2,Type=Integer,Description="Reads strongly supporting alternate allele, tiers 1,2">
##FORMAT=<ID=TIR,Number=2,Type=Integer,Description="Reads strongly supporting indel allele, tiers 1,2">
##FORMAT=<ID=TOR,Number=2,Type=Integer,Description="Other reads (weak support or insufficient breakpoint overlap)">
"""
VARLOCIRAPTOR = """##INFO=<ID=PROB_SOMATIC_TUMOR,Number=A,Type=Float,Description="Posterior probability (PHRED)">
##INFO=<ID=PROB_ABSENT,Number=A,Type=Float,Description="Posterior probability (PHRED)">
##FORMAT=<ID=DP,Number=A,Type=Integer,Description="Expected sequencing depth">
##FORMAT=<ID=AF,Number=A,Type=Float,Description="Maximum a posteriori probability estimate of allele frequency">
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return indexed_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def site(reference):
    """Function: reference base at a 1-based position of chr1, and two others."""
    with pysam.FastaFile(str(reference)) as fasta:
        bases = fasta.fetch("chr1").upper()

    def at(position):
        here = bases[position - 1]
        return here, *[one for one in "ACGT" if one != here][:2]

    return at


@pytest.fixture
def convert(reference, tmp_path):
    """Write calls and convert them."""

    def run(caller, *files, normal="n", **options):
        paths = []
        with pysam.FastaFile(str(reference)) as fasta:
            contigs = "".join(
                f"##contig=<ID={name},length={size}>\n"
                for name, size in zip(fasta.references, fasta.lengths, strict=True)
            )
        for number, (header, samples, lines) in enumerate(files):
            path = tmp_path / f"{number}.vcf"
            names = "".join(f"\t{name}" for name in samples)
            path.write_text(
                f"##fileformat=VCFv4.2\n{contigs}{header}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT{names}\n"
                + "".join("\t".join(map(str, line)) + "\n" for line in lines)
            )
            paths.append(path)
        settings = {"maximum_fdr": 0.05, **options}
        convert_somatic_calls.main(
            calls=paths, caller=caller, normal=normal, tumour="t", reference=reference,
            variants=tmp_path / "out.vcf.gz", **settings,
        )  # fmt: skip
        with open_variants(tmp_path / "out.vcf.gz") as records:
            assert list(records.header.samples) == [one for one in (normal, "t") if one]
            return {
                (record.pos, record.ref, record.alts[0]): (
                    sorted(record.filter), "SOMATIC" in record.info, round(record.qual, 1),
                    [(*one["AD"], one["DP"], round(one["AF"][0], 3)) for one in record.samples.values()],
                )
                for record in records
            }  # fmt: skip

    return run


def test_mutect2_filters_are_told_per_allele(convert, site):
    base, other, third = site(1000)
    lines = [
        ("chr1", 1000, ".", base, f"{other},{third}", ".", "PASS",
         "TLOD=20,3.5;AS_FilterStatus=SITE|strand_bias,weak_evidence",
         "GT:AD:AF:DP", "0/1/2:30,9,2:0.2,0.05:41", "0/0:25,0,1:0.01,0.03:26"),
        ("chr1", 2000, ".", site(2000)[0], site(2000)[1], ".", "germline", "TLOD=40;AS_FilterStatus=SITE",
         "GT:AD:AF:DP", "0/1:20,20:0.5:40", "0/1:10,10:0.5:20"),
    ]  # fmt: skip
    found = convert("mutect2", (MUTECT2, ("t", "n"), lines))
    assert found[1000, base, other] == (["PASS"], True, 200.0, [(25, 0, 26, 0.0), (30, 9, 41, 0.231)])
    assert found[1000, base, third][:3] == (["strand_bias", "weak_evidence"], False, 35.0)
    assert found[2000, *site(2000)[:2]][0] == ["germline"]


def test_mutect2_without_a_normal(convert, site):
    line = ("chr1", 1000, ".", site(1000)[0], f"{site(1000)[1]},*", ".", "PASS", "TLOD=9,9;AS_FilterStatus=SITE|SITE",
            "GT:AD", "0/1/2:30,9,4")  # fmt: skip
    found = convert("mutect2", (MUTECT2, ("t",), [line]), normal=None)
    assert list(found.values()) == [(["PASS"], True, 90.0, [(30, 9, 43, 0.231)])]  # a spanning deletion is no call


def strelka(convert, snvs, indels=(), **options):
    samples = ("NORMAL", "TUMOR")
    return convert("strelka", (STRELKA + BASES, samples, snvs), (STRELKA + LENGTHS, samples, indels), **options)


def counts(**shown):
    return ":".join(["40", *(f"{shown.get(base, 0)},{shown.get(base, 0) + 2}" for base in "ACGT")])


def test_strelka_counts_are_those_of_tier_1(convert, site, reference):
    base, other, _ = site(1500)
    with pysam.FastaFile(str(reference)) as fasta:
        bases = fasta.fetch("chr1", 2999, 3001).upper()
    snvs = [
        ("chr1", 1500, ".", base, other, ".", "PASS", f"SOMATIC;NT=ref;SGT={base}{base}->{base}{other};SomaticEVS=17.5",
         "DP:AU:CU:GU:TU", counts(**{base: 38}), counts(**{base: 29, other: 11})),
        ("chr1", 1600, ".", site(1600)[0], site(1600)[1], ".", "LowEVS", "SOMATIC;NT=het;SGT=AC->CC;SomaticEVS=2",
         "DP:AU:CU:GU:TU", counts(**{site(1600)[0]: 9}), counts(**{site(1600)[1]: 9})),
    ]  # fmt: skip
    indel = ("chr1", 3000, ".", bases[0], bases[0] + "ACGTACG", ".", "PASS",
             "SOMATIC;NT=ref;SGT=ref->het;SomaticEVS=12", "DP:TAR:TIR:TOR",
             "31:30,31:0,0:1,1", "35:24,25:8,9:3,3")  # fmt: skip
    found = strelka(convert, snvs, [indel])
    assert found[1500, base, other] == (["PASS"], True, 17.5, [(38, 0, 40, 0.0), (29, 11, 40, 0.275)])
    assert found[1600, *site(1600)[:2]][0] == ["LowEVS", "not_somatic"]
    (inserted,) = [one for key, one in found.items() if len(key[2]) > 1]
    assert inserted == (["PASS"], True, 12.0, [(30, 0, 31, 0.0), (24, 8, 35, 0.25)])


def test_what_lies_outside_region_and_targets_is_left_out(convert, site, tmp_path):
    def line(place):
        base, other, _ = site(place)
        return ("chr1", place, ".", base, other, ".", "PASS", "NT=ref;SGT=ref->het;SomaticEVS=9",
                "DP:AU:CU:GU:TU", counts(**{base: 30}), counts(**{base: 20, other: 9}))  # fmt: skip

    (tmp_path / "t.bed").write_text("chr1\t1499\t1600\n")
    lines = [line(place) for place in (1500, 1550, 1601)]
    found = strelka(convert, lines, targets=tmp_path / "t.bed", region="chr1:1501-9000")
    assert [key[0] for key in found] == [1550]


def varlociraptor_lines(site, probabilities):
    for number, probability in enumerate(probabilities):
        place = 1000 + 10 * number
        phred = -10 * __import__("math").log10(probability)
        yield ("chr1", place, ".", *site(place)[:2], ".", ".", f"PROB_SOMATIC_TUMOR={phred};PROB_ABSENT=0.1",
               "DP:AF", "40:0.25", "30:0")  # fmt: skip


def test_false_discovery_rate_is_held_by_the_mean_error_of_what_passes(convert, site):
    # errors 0.01, 0.05, 0.1, 0.4: means 0.01, 0.03, 0.053, 0.14
    lines = list(varlociraptor_lines(site, (0.9, 0.99, 0.6, 0.95)))
    calls = (VARLOCIRAPTOR, ("tumor", "normal"), lines)
    passing = [key[0] for key, one in convert("varlociraptor", calls).items() if one[0] == ["PASS"]]
    assert passing == [1010, 1030]
    found = convert("varlociraptor", calls, maximum_fdr=0.06)
    assert [one[0] for one in found.values()] == [["PASS"], ["PASS"], ["fdr"], ["PASS"]]
    assert found[1010, *site(1010)[:2]][2:] == (20.0, [(30, 0, 30, 0.0), (30, 10, 40, 0.25)])
    assert not any(one[1] for one in convert("varlociraptor", calls, maximum_fdr=0.001).values())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda cells: [one.replace("SomaticEVS=9", "x=1") for one in cells], "chr1:1500: SomaticEVS is missing"),
        (lambda cells: [one.replace("SGT=ref->het;", "SGT=het;") for one in cells], "chr1:1500: SGT 'het'"),
        (lambda cells: [one.replace("NT=ref;", "") for one in cells], "chr1:1500: NT is missing"),
        (lambda cells: [one.replace(":AU:", ":DP2:") for one in cells], "U is missing"),
    ],
    ids=["score", "genotypes", "normal", "counts"],
)
def test_calls_that_lack_what_strelka_writes_are_named(convert, site, change, expected):
    base, other, _ = site(1500)
    line = ["chr1", "1500", ".", base, other, ".", "PASS", "NT=ref;SGT=ref->het;SomaticEVS=9", "DP:AU:CU:GU:TU",
            counts(A=1), counts(A=1)]  # fmt: skip
    extra = (
        '##INFO=<ID=x,Number=1,Type=Integer,Description="x">\n##FORMAT=<ID=DP2,Number=2,Type=Integer,Description="x">\n'
    )
    line[3:5] = [base, other] if "A" in (base, other) else [base, "A"]
    with pytest.raises(ValueError, match=expected):
        convert("strelka", (STRELKA + BASES + extra, ("NORMAL", "TUMOR"), [change(line)]))


def test_calls_without_filtering_of_another_sample_or_build_or_none_at_all(convert, site):
    base, other, _ = site(1000)

    def line(reference=base, status=";AS_FilterStatus=SITE"):
        return ("chr1", 1000, ".", reference, other, ".", "PASS", f"TLOD=9{status}", "GT:AD", "0/1:30,9", "0/0:30,0")

    for calls, expected in (
        ((MUTECT2, ("t", "n"), [line(status="")]), "run FilterMutectCalls"),
        ((MUTECT2, ("t", "n"), [line(status=";AS_FilterStatus=SITE|SITE")]), "2 parts for 1 alleles"),
        ((MUTECT2, ("x", "n"), [line()]), "not of sample 't' but of: x, n"),
        ((MUTECT2, ("t", "n"), []), "called nothing"),
        ((MUTECT2, ("t", "n"), [line(reference=site(1000)[2])]), "does not read"),
        ((MUTECT2 + "##contig=<ID=20,length=9>\n", ("t", "n"), [line()]), "contig '20' is not in the reference"),
    ):
        with pytest.raises(ValueError, match=expected):
            convert("mutect2", calls)
