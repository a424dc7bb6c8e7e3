"""`count_simpleaf`: what simpleaf is told, by a stand-in; simpleaf itself was never run here."""

import gzip

from singlecell_reads import run_step

from kimedlib.singlecell_chemistry import CHEMISTRIES, Chemistry
from kimedlib.singlecell_engines import simpleaf_geometry, simpleaf_strand

STAND_IN = """#!/bin/bash
echo "called: $*" >&2
[ "$1" = quant ] || exit 0
while [ $# -gt 0 ]; do
  if [ "$1" = --output ]; then out=$2; fi
  if [ "$1" = --unfiltered-pl ]; then cat "$2" >&2; fi
  shift
done
mkdir -p "$out/af_map" "$out/af_quant/alevin"
echo {} >"$out/af_map/map_info.json"
echo x >"$out/af_quant/featureDump.txt"
echo y >"$out/af_quant/alevin/quants_mat.mtx"
"""


def test_layout_in_its_language():
    assert simpleaf_geometry(CHEMISTRIES["10xv3"]) == "1{b[16]u[12]x:}2{r:}"
    assert simpleaf_geometry(Chemistry("custom", (12, 20), (2, 10))) == "1{x[2]u[8]x[2]b[8]x:}2{r:}"
    assert simpleaf_strand(CHEMISTRIES["10xv2-5p"]) == "rc"


def test_it_gets_all_lanes_and_the_plain_list(tmp_path):
    tool = tmp_path / "bin" / "simpleaf"
    tool.parent.mkdir()
    tool.write_text(STAND_IN)
    tool.chmod(0o755)
    for name in ("1.fq.gz", "2.fq.gz", "list.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b"ACGT-1\nTTTT-1\n"))
    (tmp_path / "t2g.tsv").write_text("T1\tG1\tgene1\n")
    run = run_step(
        "count_simpleaf", tmp_path / "run", tools=tool.parent,
        inputs={"reads1": [tmp_path / "1.fq.gz"], "reads2": [tmp_path / "2.fq.gz"], "whitelist": tmp_path / "list.gz",
                "index": "idx", "t2g": tmp_path / "t2g.tsv"},
        outputs={"folder": tmp_path / "out"},
        params={"geometry": "1{b[16]u[12]x:}2{r:}", "strand": "fw", "first": "a1,b1", "second": "a2,b2"},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    for text in (
        "--reads1 a1,b1 --reads2 a2,b2",
        "--chemistry 1{b[16]u[12]x:}2{r:}",
        "--resolution cr-like",
        "ACGT\nTTTT\n",
    ):
        assert text in run.stdout
    assert (tmp_path / "out/af_quant/alevin/quants_mat.mtx").is_file()
