"""`align_reads` from lanes, BAM and barcoded reads; and what it refuses though its tools said that all was well."""

import json

import pysam
import pytest
from genomics_steps import (
    REPOSITORY,
    fastq_records,
    faulty_tool,
    indexed_reference,
    run_step,
    shipped_config,
    write_fastq,
)

PAIRS = 120
OUTPUTS = {
    "alignments": "s.cram",
    "alignments_index": "s.cram.crai",
    "trimming": "s.json",
    "statistics": "s.stats",
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return indexed_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def pairs():
    """Records of first and second reads."""
    folder = REPOSITORY / "test_data" / "genomics" / "reads"
    return [fastq_records(folder / f"P003_normal_R{end}.fastq.gz", PAIRS) for end in (1, 2)]


@pytest.fixture(scope="module")
def files(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reads")
    return [write_fastq(folder / f"{end}.fastq.gz", records) for end, records in enumerate(pairs, 1)]


@pytest.fixture(scope="module")
def align(reference):
    def run(folder, reads=(), lanes=(), alignments="", umi="none", umi_lengths=(0, 0), tools=None):
        trimming = shipped_config()["trimming"]
        inputs = {
            "reads_1": [one for one, _ in reads],
            "reads_2": [two for _, two in reads],
            "alignments": alignments,
            "reference": reference,
            "fai": f"{reference}.fai",
            "dictionary": reference.with_suffix(".dict"),
        }
        params = {**trimming, "lanes": list(lanes), "umi": umi, "umi_lengths": umi_lengths}
        return run_step("align_reads", folder, inputs=inputs, outputs=OUTPUTS, params=params, tools=tools)

    return run


def records(folder, reference):
    with pysam.AlignmentFile(str(folder / "s.cram"), reference_filename=str(reference)) as reads:
        return reads.header.to_dict(), list(reads)


def placed(found, *, flags=True):
    return sorted((one.query_name, one.flag if flags else one.is_read1, one.pos, one.cigarstring) for one in found)


@pytest.fixture(scope="module")
def plain(align, files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    run = align(folder, [files])
    assert run.returncode == 0, run.stdout
    return folder


def test_the_report_of_trimming_knows_no_folder(plain, files):
    report = json.loads((plain / "s.json").read_text())
    assert report["input"]["path1"] == files[0].name
    assert not any("/" in one for one in report["command_line_arguments"])


def test_lanes_are_aligned_as_one_file_is_and_keep_their_groups(align, plain, pairs, reference, tmp_path):
    cut = 50
    lanes = [
        tuple(write_fastq(tmp_path / f"{name}_{end}.fastq.gz", one[span]) for end, one in enumerate(pairs, 1))
        for name, span in (("L1", slice(cut)), ("L2", slice(cut, None)))
    ]
    run = align(tmp_path / "out", lanes, ["L1", "L2"])
    assert run.returncode == 0, run.stdout
    header, found = records(tmp_path / "out", reference)
    assert [(one["ID"], one["SM"], one["PU"]) for one in header["RG"]] == [("s.L1", "s", "L1"), ("s.L2", "s", "L2")]
    assert placed(found) == placed(records(plain, reference)[1])
    first_lane = {record.split()[0][1:].removesuffix("/1") for record in pairs[0][:cut]}
    assert all((one.get_tag("RG") == "s.L1") == (one.query_name in first_lane) for one in found)


def test_a_lane_that_is_cut_off_stops_the_step(align, files, tmp_path):
    bad = tmp_path / "bad.fastq.gz"
    bad.write_bytes(files[0].read_bytes()[:-300])
    run = align(tmp_path / "out", [(bad, files[1]), tuple(files)], ["L1", "L2"])
    assert run.returncode != 0
    assert not (tmp_path / "out" / "s.cram").exists()


def test_alignments_are_made_anew_and_keep_their_read_groups(align, plain, reference, tmp_path):
    header, found = records(plain, reference)
    groups = [{"ID": name, "SM": "s", "LB": name, "PU": name} for name in ("a", "b")]
    source = tmp_path / "in.bam"
    with pysam.AlignmentFile(str(source), "wb", header={**header, "RG": groups}) as sink:
        for one in found:
            one.set_tag("RG", "a" if int(one.query_name.split(":")[-1], 36) % 2 else "b")
            one.is_duplicate = False
            sink.write(pysam.AlignedSegment.from_dict(one.to_dict(), sink.header))
    run = align(tmp_path / "out", alignments=source)
    assert run.returncode == 0, run.stdout
    header, again = records(tmp_path / "out", reference)
    assert header["RG"] == groups
    assert placed(again, flags=False) == placed(found, flags=False)
    assert [one.get_tag("RG") for one in again] == [
        "a" if int(one.query_name.split(":")[-1], 36) % 2 else "b" for one in again
    ]


@pytest.mark.parametrize(("libraries", "duplicates"), [(("x", "x", "y", "y"), 4), (("x", "x", "x", "x"), 6)])
def test_copies_are_of_one_library_and_may_be_of_several_groups(
    align, plain, reference, tmp_path, libraries, duplicates
):
    header, found = records(plain, reference)
    before = sum(one.is_duplicate for one in found)
    pair = next(one.query_name for one in found if one.is_proper_pair and not one.is_duplicate)
    groups = [{"ID": f"g{number}", "SM": "s", "LB": library} for number, library in enumerate(libraries)]
    source = tmp_path / "in.bam"
    with pysam.AlignmentFile(str(source), "wb", header={**header, "RG": groups}) as sink:
        for one in found:
            name = one.query_name
            for number in range(len(groups) if name == pair else 1):  # one molecule four times
                one.query_name = f"{name}:{number}"
                one.set_tag("RG", f"g{number}")
                sink.write(pysam.AlignedSegment.from_dict(one.to_dict(), sink.header))
    run = align(tmp_path / "out", alignments=source)
    assert run.returncode == 0, run.stdout
    _, again = records(tmp_path / "out", reference)
    assert sum(one.is_duplicate for one in again) == before + duplicates
    refused = align(tmp_path / "refused", alignments=source, umi="name")
    assert (refused.returncode != 0) == (len(set(libraries)) > 1)


def test_alignments_without_groups_get_the_sample_s_and_lone_mates_are_counted(align, plain, reference, tmp_path):
    header, found = records(plain, reference)
    header.pop("RG")
    source = tmp_path / "in.bam"
    with pysam.AlignmentFile(str(source), "wb", header=header) as sink:
        for one in found[1:]:  # the first read is lost, its mate stays alone
            one.set_tag("RG", None)
            sink.write(pysam.AlignedSegment.from_dict(one.to_dict(), sink.header))
    run = align(tmp_path / "out", alignments=source)
    assert run.returncode == 0, run.stdout
    assert "reads without a mate: 1\n" in run.stdout
    header, again = records(tmp_path / "out", reference)
    assert [one["SM"] for one in header["RG"]] == ["s"]
    assert len(again) == len(found) - 2
    assert {one.get_tag("RG") for one in again} == {"s"}


# Molecular barcodes: four fragments of one place, of which two pairs were copied from the same molecule


@pytest.mark.parametrize(
    ("umi", "lengths", "duplicates"), [("none", (0, 0), 6), ("name", (0, 0), 4), ("inline", (3, 3), 4)]
)
def test_fragments_of_one_place_are_told_by_their_barcodes(align, pairs, reference, tmp_path, umi, lengths, duplicates):
    codes = ["ACGTTT", "ACGTTT", "GGATCC", "GGATCC"]
    new = ([], [])
    for number, (one, two) in enumerate(zip(*pairs, strict=True)):
        copies = codes if number == 0 else ["TTTTTT"]
        for copy, code in enumerate(copies):
            for end, record in enumerate((one, two)):
                name, bases, _, qualities = record.splitlines()
                name = f"{name.split()[0].removesuffix(f'/{end + 1}')}{copy}"
                if umi == "name":
                    name += f":{code}"
                if umi == "inline":
                    bases, qualities = code[3 * end : 3 * end + 3] + bases, "FFF" + qualities
                new[end].append(f"{name}\n{bases}\n+\n{qualities}\n")
    files = [write_fastq(tmp_path / f"{end}.fastq.gz", new[end]) for end in (0, 1)]
    run = align(tmp_path / "out", [files], umi=umi, umi_lengths=lengths)
    assert run.returncode == 0, run.stdout
    first = pairs[0][0].split()[0][1:].removesuffix("/1")
    _, found = records(tmp_path / "out", reference)
    mine = [one for one in found if one.query_name.startswith(tuple(f"{first}{copy}" for copy in range(4)))]
    assert len(mine) == 8
    assert sum(one.is_duplicate for one in mine) == duplicates


# Tools that lose something and end with exit code 0

FAULTS = {
    "no properly paired reads": (
        "bwa",
        "mem",
        r"""  "$real" "$@" | awk -F '\t' -v OFS='\t' '/^@/ { print; next }
    { $2 = $2 - ($2 % 4 >= 2 ? 2 : 0); $2 = int($2 / 2) % 2 ? $2 - 2 : $2; $7 = "*"; $8 = 0; $9 = 0; print }'""",
    ),
    "reads were left by trimming, ": (
        "samtools",
        "sort",
        '  "$real" view -h - | sed -n 1,100p | "$real" "$@"',
    ),
    "the contigs of the alignments are not those of the reference": (
        "samtools",
        "reheader",
        '  "$real" view -h "${@: -1}" | grep -v chrX | "$real" view -O cram,no_ref=1 -',
    ),
    "the read groups are not of the sample": (
        "bwa",
        "mem",
        '  "$real" "$@" | sed "/^@RG/s/SM:s/SM:t/"',
    ),
    "their end mark is missing": (
        "samtools",
        "reheader",
        '  "$real" "$@" | head -c -76',  # reheader writes a second end mark behind the first
    ),
}


@pytest.mark.parametrize("expected", FAULTS)
def test_silent_losses_stop_the_step(align, files, tmp_path, expected):
    tools = faulty_tool(tmp_path / "tools", *FAULTS[expected])
    run = align(tmp_path / "out", [files], tools=tools)
    assert run.returncode != 0
    assert expected in run.stdout
    assert not any((tmp_path / "out" / name).exists() for name in OUTPUTS.values())


def test_reads_without_a_group_among_others_stop_the_step(align, plain, reference, tmp_path):
    header, found = records(plain, reference)
    source = tmp_path / "in.bam"
    lone = {found[0].query_name}
    with pysam.AlignmentFile(str(source), "wb", header=header) as sink:
        for one in found:
            if one.query_name in lone:
                one.set_tag("RG", None)
            sink.write(pysam.AlignedSegment.from_dict(one.to_dict(), sink.header))
    run = align(tmp_path / "out", alignments=source)
    assert run.returncode != 0
    assert "2 reads have no read group" in run.stdout
