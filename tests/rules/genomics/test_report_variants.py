import base64
import gzip
import json
import re
import shutil
import subprocess

import pandas as pd
import pysam
import pytest

from genomics import report_variants
from kimedlib.genomics_evidence_page import page


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def content(uri):
    return base64.b64decode(uri.removeprefix("data:application/gzip;base64,"))


@pytest.fixture(scope="module")
def text(genomics_run):
    return (genomics_run / "variants.html").read_text(encoding="utf-8")


def test_every_call_is_in_the_table_and_drivers_have_their_reads(text, genomics_run):
    data = data_of(text)
    table = pd.read_csv(genomics_run / "somatic_variants.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert [row[:4] for row in data["rows"]] == table[["sample", "contig", "position", "reference"]].to_numpy().tolist()
    drivers = {number for number, value in enumerate(table["driver"]) if value == "yes"}
    assert drivers <= {int(number) for number in data["sessions"]}


def test_the_reads_on_the_page_show_the_allele(text, tmp_path):
    data = data_of(text)
    columns = {name: number for number, name in enumerate(data["columns"])}
    looked = 0
    for number, session in data["sessions"].items():
        row = data["rows"][int(number)]
        reference, other, position = row[columns["reference"]], row[columns["other"]], int(row[columns["position"]])
        if len(reference) != 1 or len(other) != 1:
            continue
        shown = []
        for track in session["tracks"]:
            (tmp_path / "t.bam").write_bytes(content(track["url"]))
            pysam.index(str(tmp_path / "t.bam"))
            with pysam.AlignmentFile(str(tmp_path / "t.bam")) as reads:
                counts = reads.count_coverage(row[columns["contig"]], position - 1, position, quality_threshold=0)
            shown.append({base: one[0] for base, one in zip("ACGT", counts, strict=True)})
        # fragments count once in the table, overlapping mates twice here
        assert shown[0][other] >= int(row[columns["tumour_reads"]]) and shown[1][other] <= 2
        looked += 1
    assert looked >= 5


def test_the_reference_on_the_page_is_the_reference(text, genomics_run):
    session = next(iter(data_of(text)["sessions"].values()))
    head, bases = gzip.decompress(content(session["reference"]["fastaURL"])).decode().split("\n")
    contig, first, last = re.match(r">(\S+):(\d+)-(\d+) @len=\d+$", head).groups()
    with pysam.FastaFile(str(genomics_run / "reference" / "reference.fa")) as fasta:
        assert bases == fasta.fetch(contig, int(first) - 1, int(last))


def test_the_page_forbids_itself_to_load_anything(text):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy and "http" not in policy
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"(?:src|href)\s*=", markup)
    assert "/tmp" not in json.dumps(data_of(text))


def test_the_same_input_gives_the_same_bytes(text, genomics_run, repository, genomics_settings, tmp_path):
    report_variants.main(
        variants=genomics_run / "somatic_variants.tsv",
        alignments={name: genomics_run / "alignments" / f"{name}.cram" for name in ("P003_tumour", "P003_normal")},
        normals={"P003_tumour": "P003_normal"}, reference=genomics_run / "reference" / "reference.fa",
        template=repository / "workflows" / "genomics" / "report" / "variants.html", output=tmp_path / "v.html",
        settings=genomics_settings["tumour"]["evidence"],
    )  # fmt: skip
    assert (tmp_path / "v.html").read_text(encoding="utf-8") == text


def test_a_value_cannot_break_out_of_the_page():
    rows = [{"sample": "</script><script>alert(1)</script>"}]
    made = page("@POLICY@ @IGV@<script id=d>@DATA@</script>", ["sample"], rows, {})
    assert "<script>alert" not in made
    with pytest.raises(ValueError, match="mark @IGV@ once"):
        page("@POLICY@ @DATA@", [], [], {})


def test_those_with_reads_are_drivers_then_changed_proteins_then_the_doubtful():
    def row(driver, consequence, quality):
        return {"driver": driver, "consequence": consequence, "quality": quality}

    rows = [row("no", "", "90"), row("no", "missense", "80"), row("yes", "missense", "70"), row("no", "", "40")]
    assert report_variants.selected(rows, 1) == [2]
    assert report_variants.selected(rows, 3) == [1, 2, 3]


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_shows_table_and_reads(genomics_run, tmp_path):
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=20000", "--dump-dom", (genomics_run / "variants.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    rows = re.search(r"<tbody>(.*?)</tbody>", done.stdout, re.DOTALL)[1].count("<tr")
    data = data_of((genomics_run / "variants.html").read_text(encoding="utf-8"))
    assert rows == len(data["rows"]) and f"{rows} of {rows} variants" in done.stdout
    # set when igv.js has loaded its first session
    assert re.search(r'<body[^>]* data-shown="\d+"', done.stdout)
