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


# The same in full: fields, their order and kinds of values as in files that the tools wrote (values are ours)


def declarations(kind, *lines):
    """Header lines of "name number type"."""
    cells = [line.split() for line in lines]
    return "".join(f'##{kind}=<ID={one},Number={two},Type={three},Description="d">\n' for one, two, three in cells)


MUTECT2_FULL = (
    "".join(
        f'##FILTER=<ID={name},Description="d">\n'
        for name in ("FAIL", "map_qual", "normal_artifact", "slippage", "strand_bias", "weak_evidence")
    )
    + declarations(
        "INFO", "AS_FilterStatus A String", "AS_SB_TABLE 1 String", "DP 1 Integer", "ECNT 1 Integer", "GERMQ 1 Integer",
        "MBQ R Integer", "MFRL R Integer", "MMQ R Integer", "MPOS A Integer", "NALOD A Float", "NLOD A Float",
        "POPAF A Float", "ROQ 1 Float", "RPA R Integer", "RU 1 String", "STR 0 Flag", "TLOD A Float",
    )
    + declarations(
        "FORMAT", "AD R Integer", "AF A Float", "DP 1 Integer", "F1R2 R Integer", "F2R1 R Integer", "FAD R Integer",
        "GT 1 String", "PGT 1 String", "PID 1 String", "PS 1 Integer", "SB 4 Integer",
    )
)  # fmt: skip


def test_mutect2_in_full(convert, site):
    base, other, third = site(4000)
    lines = [
        ("chr1", 3000, ".", *site(3000)[:2], ".", "PASS",
         "AS_FilterStatus=SITE;AS_SB_TABLE=21,30|3,5;DP=61;ECNT=2;GERMQ=93;MBQ=37,36;MFRL=310,295;MMQ=60,60;MPOS=21;"
         "NALOD=1.22;NLOD=4.81;POPAF=6.00;ROQ=93;TLOD=17.42",
         "GT:AD:AF:DP:F1R2:F2R1:FAD:PGT:PID:PS:SB", "0|0:18,0:0.049:18:9,0:8,0:17,0:0|1:3000_A_C:3000:8,10,0,0",
         "0|1:33,8:0.214:41:16,4:15,3:31,7:0|1:3000_A_C:3000:13,20,3,5"),
        ("chr1", 3500, ".", *site(3500)[:2], ".", "map_qual;normal_artifact;strand_bias",
         "AS_FilterStatus=map_qual,strand_bias;AS_SB_TABLE=120,19|0,9;DP=160;ECNT=3;GERMQ=93;MBQ=37,33;MFRL=262,331;"
         "MMQ=23,22;MPOS=20;NALOD=-1.391e+00;NLOD=15.20;POPAF=6.00;ROQ=80;TLOD=6.03",
         "GT:AD:AF:DP:F1R2:F2R1:SB", "0/0:70,3:0.053:73:40,1:28,2:60,10,0,3", "0/1:69,6:0.084:75:38,2:29,4:60,9,0,6"),
        ("chr1", 4000, ".", base, f"{other},{third}", ".", "PASS",
         "AS_FilterStatus=SITE|weak_evidence,slippage;AS_SB_TABLE=9,9|5,4|1,1;DP=31;ECNT=1;GERMQ=40;MBQ=35,34,30;"
         "MFRL=300,301,299;MMQ=60,60,60;MPOS=12,40;NALOD=1.1,0.4;NLOD=3.0,2.2;POPAF=6.00,6.00;RPA=9,10,8;RU=A;STR;"
         "TLOD=11.5,3.2",
         "GT:AD:AF:DP:F1R2:F2R1:SB", "0/0:11,0,0:0.07,0.07:11:5,0,0:6,0,0:5,6,0,0",
         "0/1/2:9,9,2:0.44,0.11:20:4,4,1:5,5,1:4,5,6,5"),
    ]  # fmt: skip
    found = convert("mutect2", (MUTECT2_FULL, ("n", "t"), lines))
    assert found[3000, *site(3000)[:2]] == (["PASS"], True, 174.2, [(18, 0, 18, 0.0), (33, 8, 41, 0.195)])
    assert found[3500, *site(3500)[:2]][0] == ["map_qual", "normal_artifact", "strand_bias"]
    assert found[4000, base, other] == (["PASS"], True, 115.0, [(11, 0, 11, 0.0), (9, 9, 20, 0.5)])
    assert found[4000, base, third][0] == ["slippage", "weak_evidence"]


STRELKA_FULL = declarations(
    "INFO", "SOMATIC 0 Flag", "QSS 1 Integer", "TQSS 1 Integer", "NT 1 String", "QSS_NT 1 Integer", "TQSS_NT 1 Integer",
    "QSI 1 Integer", "TQSI 1 Integer", "QSI_NT 1 Integer", "TQSI_NT 1 Integer", "SGT 1 String", "DP 1 Integer",
    "MQ 1 Float", "MQ0 1 Integer", "ReadPosRankSum 1 Float", "SNVSB 1 Float", "RU 1 String", "RC 1 Integer",
    "IC 1 Integer", "IHP 1 Integer", "OVERLAP 0 Flag", "SomaticEVS 1 Float",
) + '##FILTER=<ID=LowEVS,Description="d">\n##FILTER=<ID=LowDepth,Description="d">\n'  # fmt: skip
STRELKA_SNV = STRELKA_FULL + declarations(
    "FORMAT", "DP 1 Integer", "FDP 1 Integer", "SDP 1 Integer", "SUBDP 1 Integer",
    *(f"{base}U 2 Integer" for base in "ACGT"),
)  # fmt: skip
STRELKA_INDEL = STRELKA_FULL + declarations(
    "FORMAT", "DP 1 Integer", "DP2 1 Integer", "TAR 2 Integer", "TIR 2 Integer", "TOR 2 Integer", "DP50 1 Float",
    "FDP50 1 Float", "SUBDP50 1 Float", "BCN50 1 Float",
)  # fmt: skip


def test_strelka_in_full(convert, site, reference):
    base, other, _ = site(1500)
    with pysam.FastaFile(str(reference)) as fasta:
        bases = fasta.fetch("chr1", 2999, 3004).upper()

    def shown(depth, filtered, **reads):
        return ":".join([f"{depth}:{filtered}:0:0", *(f"{reads.get(one, 0)},{reads.get(one, 0)}" for one in "ACGT")])

    snvs = [
        ("chr1", 1500, ".", base, other, ".", "PASS",
         f"SOMATIC;QSS=131;TQSS=1;NT=ref;QSS_NT=131;TQSS_NT=1;SGT={base}{base}->{base}{other};DP=158;MQ=59.90;MQ0=0;"
         "ReadPosRankSum=-0.14;SNVSB=0.00;SomaticEVS=12.82", "DP:FDP:SDP:SUBDP:AU:CU:GU:TU",
         shown(78, 1, **{base: 77}), shown(80, 0, **{base: 70, other: 10})),
        ("chr1", 1700, ".", *site(1700)[:2], ".", "LowEVS;LowDepth",
         f"SOMATIC;QSS=1;TQSS=1;NT=ref;QSS_NT=1;TQSS_NT=1;SGT={site(1700)[0] * 2}->{site(1700)[0] * 2};DP=2;MQ=60.00;"
         "MQ0=0;ReadPosRankSum=0.00;SNVSB=0.00;SomaticEVS=0.71", "DP:FDP:SDP:SUBDP:AU:CU:GU:TU",
         shown(1, 0, **{site(1700)[0]: 1}), shown(1, 0, **{site(1700)[1]: 1})),
    ]  # fmt: skip
    indel = ("chr1", 3000, ".", bases, bases[0], ".", "PASS",
             f"SOMATIC;QSI=82;TQSI=1;NT=ref;QSI_NT=82;TQSI_NT=1;SGT=ref->het;MQ=59.76;MQ0=0;RU={bases[1:]};RC=1;IC=0;"
             "IHP=2;OVERLAP;SomaticEVS=14.23", "DP:DP2:TAR:TIR:TOR:DP50:FDP50:SUBDP50:BCN50",
             "39:39:39,41:0,0:2,4:40.77:0.34:0.00:0.01", "74:74:61,66:11,12:4,7:76.09:0.64:0.00:0.02")  # fmt: skip
    samples = ("NORMAL", "TUMOR")
    found = convert("strelka", (STRELKA_SNV, samples, snvs), (STRELKA_INDEL, samples, [indel]))
    assert found[1500, base, other] == (["PASS"], True, 12.8, [(77, 0, 78, 0.0), (70, 10, 80, 0.125)])
    assert found[1700, *site(1700)[:2]][:2] == (["LowDepth", "LowEVS"], False)
    (deleted,) = [one for key, one in found.items() if len(key[1]) == 5]
    assert deleted == (["PASS"], True, 14.2, [(39, 0, 39, 0.0), (61, 11, 74, 0.153)])


EVENTS = ("SOMATIC_TUMOR", "SOMATIC_NORMAL", "GERMLINE_HET", "GERMLINE_HOM", "ARTIFACT", "ABSENT")
VARLOCIRAPTOR_FULL = declarations(
    "INFO", "SVLEN A Integer", "SVTYPE A String", "END A Integer",
    *(f"PROB_{event} A Float" for event in EVENTS),
) + declarations(
    "FORMAT", "DP A Integer", "AF A Float", "SAOBS A String", "SROBS A String", "OBS A String", "OOBS A Integer",
    "SB A String", "ROB A String", "RPB A String", "SCB A String", "HE A String", "ALB A String", "AFD . String",
)  # fmt: skip
VARLOCIRAPTOR_FORMAT = "DP:AF:SAOBS:SROBS:OBS:OOBS:SB:ROB:RPB:SCB:HE:ALB:AFD"


def varlociraptor_line(place, alleles, information, tumour, normal):
    probabilities = "PROB_GERMLINE_HET=53.2;PROB_GERMLINE_HOM=inf;PROB_SOMATIC_NORMAL=71;PROB_ARTIFACT=26"
    rest = "2Vs:31VP:2V.p#+>*..:1:.:.:.:.:.:.:0.000=9.31,0.250=0.21"
    cells = (f"{tumour}:{rest}", f"{normal}:{rest}")
    return ("chr1", place, ".", *alleles, ".", ".", f"{information};{probabilities}", VARLOCIRAPTOR_FORMAT, *cells)


def test_varlociraptor_in_full(convert, site, reference):
    with pysam.FastaFile(str(reference)) as fasta:
        bases = fasta.fetch("chr1", 4999, 5061).upper()
    missing = ";".join(f"PROB_{event}=." for event in EVENTS)
    lines = [
        varlociraptor_line(1000, site(1000)[:2], "PROB_SOMATIC_TUMOR=0.02;PROB_ABSENT=inf", "40:0.25", "31:0"),
        varlociraptor_line(1100, site(1100)[:2], "PROB_SOMATIC_TUMOR=inf;PROB_ABSENT=0", "40:0", "31:0"),
        # where no read was seen there is neither a probability nor a depth
        ("chr1", 1200, ".", *site(1200)[:2], ".", ".", missing, "DP:AF:OBS", ".:.:.", ".:.:."),
        # deletions of more than 50 bases are not spelled out
        varlociraptor_line(
            5000, (bases[0], "<DEL>"), "SVLEN=-61;SVTYPE=DEL;PROB_SOMATIC_TUMOR=0.01;PROB_ABSENT=40", "30:0.5", "31:0"
        ),
    ]
    found = convert("varlociraptor", (VARLOCIRAPTOR_FULL, ("tumor", "normal"), lines))
    assert found[1000, *site(1000)[:2]] == (["PASS"], True, 23.4, [(31, 0, 31, 0.0), (30, 10, 40, 0.25)])
    assert found[1100, *site(1100)[:2]][0] == ["fdr"]
    assert found[1200, *site(1200)[:2]] == (["not_somatic"], False, 0.0, [(0, 0, 0, 0.0), (0, 0, 0, 0.0)])
    (deleted,) = [key for key in found if len(key[1]) > 50]
    assert len(deleted[1]) == 62 and found[deleted][3][1] == (15, 15, 30, 0.5)
