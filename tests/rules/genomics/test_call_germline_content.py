"""`call_germline` in chunks, with filters, known sites, likelihoods; and what it refuses though all tools said well."""

import pysam
import pytest
from genomics_steps import REPOSITORY, faulty_tool, indexed_reference, run_step, shipped_config

OUTPUTS = {"variants": "s.vcf.gz", "variants_index": "s.vcf.gz.tbi", "statistics": "s.stats"}
KEPT = {**OUTPUTS, "likelihoods": "s.bcf", "likelihoods_index": "s.bcf.csi"}
TARGETS = REPOSITORY / "test_data" / "genomics" / "targets.bed"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return indexed_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def alignments(reference, tmp_path_factory):
    """Alignments of normals of the test data, made on demand."""
    made = {}

    def of(sample):
        if sample not in made:
            folder = tmp_path_factory.mktemp(sample)
            reads = REPOSITORY / "test_data" / "genomics" / "reads"
            run = run_step(
                "align_reads", folder, sample=sample,
                inputs={
                    "reads_1": reads / f"{sample}_R1.fastq.gz", "reads_2": reads / f"{sample}_R2.fastq.gz",
                    "alignments": "", "reference": reference, "fai": f"{reference}.fai",
                    "dictionary": reference.with_suffix(".dict"),
                },
                outputs={
                    "alignments": "s.cram", "alignments_index": "s.cram.crai", "trimming": "t", "statistics": "st"
                },
                params={**shipped_config()["trimming"], "lanes": [], "umi": "none", "umi_lengths": [0, 0]},
            )  # fmt: skip
            assert run.returncode == 0, run.stdout
            made[sample] = folder / "s.cram"
        return made[sample]

    return of


@pytest.fixture(scope="module")
def call(reference, alignments):
    def run(folder, sample="P003_normal", outputs=OUTPUTS, threads=1, tools=None, **changes):
        shipped = shipped_config()["germline"]
        inputs = {"targets": TARGETS, "gene_model": "", "known_sites": "", "raw_calls": ""}
        params = {"region": "", "chunk_bases": shipped["chunk_bases"], "known_sites": []}
        params["filters"] = "\n".join(
            "\t".join(one[key] for key in ("name", "exclude", "evidence")) for one in shipped["filters"]
        )
        inputs |= {key: value for key, value in changes.items() if key in inputs and key != "known_sites"}
        params |= {key: value for key, value in changes.items() if key in params}
        if "known_files" in changes:
            inputs["known_sites"] = changes["known_files"]
        settings = [shipped["minimum_mapping_quality"], shipped["maximum_depth"], params.pop("chunk_bases")]
        cram = alignments(sample)
        inputs |= {"alignments": cram, "reference": reference, "fai": f"{reference}.fai"}
        return run_step(
            "call_germline", folder, sample=sample, inputs=inputs, outputs=outputs,
            params={**params, "settings": settings}, threads=threads, tools=tools,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def plain(call, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    run = call(folder, outputs=KEPT)
    assert run.returncode == 0, run.stdout
    return folder


def lines(folder):
    with pysam.VariantFile(str(folder / "s.vcf.gz")) as records:
        return [str(record) for record in records]


@pytest.mark.parametrize(("size", "threads"), [(20000, 2)])
def test_chunks_and_threads_change_nothing(call, plain, tmp_path, size, threads):
    run = call(tmp_path, chunk_bases=size, threads=threads)
    assert run.returncode == 0, run.stdout
    assert lines(tmp_path) == lines(plain)


def test_a_region_is_called_alone(call, plain, tmp_path):
    run = call(tmp_path, region="chr1:27000-36000", chunk_bases=4000)
    assert run.returncode == 0, run.stdout
    inside = [line for line in lines(plain) if line.startswith("chr1\t") and 27000 <= int(line.split("\t")[1]) <= 36000]
    assert lines(tmp_path) == inside != []


def test_a_chunk_that_fails_stops_the_step(call, tmp_path):
    body = '  case "$*" in *chr1:6001-15000*) exit 3;; *) exec "$real" "$@";; esac'
    run = call(tmp_path / "out", chunk_bases=7000, tools=faulty_tool(tmp_path / "tools", "bcftools", "mpileup", body))
    assert run.returncode != 0 and "a chunk could not be called" in run.stdout
    assert not (tmp_path / "out" / "s.vcf.gz").exists()


def test_evidence_of_filters_stands_in_the_header_and_each_filter_works(call, tmp_path):
    filters = "low_quality\tQUAL<20\ta source, ten letters\ndeep\tFORMAT/DP>30\tanother source, just for this"
    run = call(tmp_path, filters=filters)
    assert run.returncode == 0, run.stdout
    with pysam.VariantFile(str(tmp_path / "s.vcf.gz")) as records:
        assert records.header.filters["deep"].description == "FORMAT/DP>30: another source, just for this"
        found = list(records)
    assert {("deep" in one.filter, one.samples[0]["DP"] > 30) for one in found} == {(True, True), (False, False)}
    assert {"PASS" in one.filter for one in found if one.samples[0]["DP"] <= 30 and one.qual >= 20} == {True}


# Known sites: written otherwise than calls are, and with an allele that nobody has


@pytest.fixture
def known(reference, plain, tmp_path):
    """A file with the sites of an indel and of a single-base variant, and the two calls."""
    with pysam.VariantFile(str(plain / "s.vcf.gz")) as records:
        calls = [(one.pos, one.ref, one.alts[0]) for one in records.fetch("chr1")]
    single = next(one for one in calls if len(one[1]) == len(one[2]) == 1)
    indel = next(one for one in calls if len(one[1]) != len(one[2]))
    with pysam.FastaFile(str(reference)) as fasta:
        before, behind = (
            fasta.fetch("chr1", indel[0] - 4, indel[0] - 1),
            fasta.fetch("chr1", indel[0] + len(indel[1]) - 1, indel[0] + len(indel[1]) + 2),
        )
    nobody = next(base for base in "ACGT" if base not in single[1:])
    path = tmp_path / "known.vcf"
    path.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=100000>\n"
        '##INFO=<ID=SIG,Number=A,Type=String,Description="significance">\n'
        '##INFO=<ID=OTHER,Number=1,Type=String,Description="not wanted">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "".join(
            f"chr1\t{pos}\t{name}\t{ref}\t{alt}\t.\t.\tSIG={sig};OTHER=x\n"
            for pos, name, ref, alt, sig in sorted(
                [
                    (indel[0] - 3, "rs1", f"{before}{indel[1]}{behind}", f"{before}{indel[2]}{behind}", "one"),
                    (single[0], "rs2", single[1], f"{nobody},{single[2]}", "none,two"),
                ]
            )
        )
    )
    return path, indel, single


def prepare_known(folder, path, reference, fields):
    run = run_step(
        "prepare_known_sites", folder, inputs={"variants": path, "reference": reference},
        outputs={"variants": "clinic.bcf", "variants_index": "clinic.bcf.csi"}, params={"fields": fields},
    )  # fmt: skip
    return run, folder / "clinic.bcf"


def test_known_sites_are_found_by_allele_however_they_are_written(call, known, reference, tmp_path):
    path, indel, single = known
    run, prepared = prepare_known(tmp_path / "known", path, reference, ["ID", "SIG"])
    assert run.returncode == 0, run.stdout
    run = call(tmp_path / "out", known_files=[prepared], known_sites=["clinic:ID", "clinic:SIG"])
    assert run.returncode == 0, run.stdout
    with pysam.VariantFile(str(tmp_path / "out" / "s.vcf.gz")) as records:
        found = {(one.pos, one.ref, one.alts[0]): (one.id, one.info.get("clinic_SIG")) for one in records.fetch("chr1")}
        assert "clinic_OTHER" not in records.header.info
    assert found[indel] == ("rs1", ("one",))
    assert found[single] == ("rs2", ("two",))
    assert sum(one != (None, None) for one in found.values()) == 2


def test_likelihoods_change_no_call(call, plain, tmp_path):
    run = call(tmp_path)
    assert run.returncode == 0, run.stdout
    assert lines(tmp_path) == lines(plain)
    assert not (tmp_path / "s.bcf").exists() and (plain / "s.bcf.csi").exists()


# Tools that lose something and end with exit code 0

MULTIALLELIC = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=100000>
##contig=<ID=chrX,length=30000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=SP,Number=1,Type=Integer,Description="Strand">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tP003_normal
"""
# the subcommand of bcftools that loses something, and how
FAULTS = {
    "2 alleles were called, 1 were written": (
        "norm",
        '  "$real" "$@" | "$real" view -Ov - | sed "\\$d" | "$real" view -Ou -',
    ),
    "2 alleles were called, 0 were written": ("filter", '  "$real" view -e 1=1 -Ou -'),
    "the contigs of the variants are not those of the reference": (
        "filter",
        '  "$real" "$@" | "$real" view -Ov - | grep -v "contig=<ID=chrX" | "$real" view -Ou -',
    ),
}


def raw_calls(reference, path):
    """Calls of another caller: a place where both copies differ from the reference, each in its own way."""
    with pysam.FastaFile(str(reference)) as fasta:
        base = fasta.fetch("chr1", 49, 50)
    others = [one for one in "ACGT" if one != base][:2]
    path.write_text(f"{MULTIALLELIC}chr1\t50\t.\t{base}\t{','.join(others)}\t90\t.\t.\tGT:SP:DP\t1/2:0:30\n")
    return path, others


def test_both_alleles_of_another_caller_are_kept(call, reference, tmp_path):
    path, others = raw_calls(reference, tmp_path / "raw.vcf")
    run = call(tmp_path / "out", raw_calls=path, targets="")
    assert run.returncode == 0, run.stdout
    with pysam.VariantFile(str(tmp_path / "out" / "s.vcf.gz")) as records:
        assert [one.alts[0] for one in records] == others


@pytest.mark.parametrize("expected", FAULTS)
def test_silent_losses_stop_the_step(call, reference, tmp_path, expected):
    path, _ = raw_calls(reference, tmp_path / "raw.vcf")
    tools = faulty_tool(tmp_path / "tools", "bcftools", *FAULTS[expected])
    run = call(tmp_path / "out", raw_calls=path, targets="", tools=tools)
    assert run.returncode != 0
    assert expected in run.stdout
    assert not any((tmp_path / "out" / name).exists() for name in OUTPUTS.values())


def test_calls_of_somebody_else_stop_the_step(call, reference, tmp_path):
    path, _ = raw_calls(reference, tmp_path / "raw.vcf")
    path.write_text(path.read_text().replace("P003_normal", "somebody"))
    run = call(tmp_path / "out", raw_calls=path, targets="")
    assert run.returncode != 0
    assert "not of the sample P003_normal alone" in run.stdout


def test_what_another_caller_calls_outside_the_targets_is_left_out(call, reference, tmp_path):
    path, _ = raw_calls(reference, tmp_path / "raw.vcf")  # chr1:50 is in none of them
    run = call(tmp_path / "out", raw_calls=path)
    assert run.returncode != 0 and "no variants" in run.stdout


def test_no_calls_stop_the_step(call, tmp_path):
    (tmp_path / "raw.vcf").write_text(MULTIALLELIC)
    run = call(tmp_path / "out", raw_calls=tmp_path / "raw.vcf", targets="")
    assert run.returncode != 0 and "no variants" in run.stdout
