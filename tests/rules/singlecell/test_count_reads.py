"""`count_reads`: hand-made reads with known molecules; and the files that the programmes would read without a word."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from singlecell_reads import run_step

from kimedlib.singlecell_counting import read_counted

RANDOM = np.random.default_rng(3)
BARCODES = ["ACGTACGTACGTACGT", "TTTTGGGGCCCCAAAA"]
GENES = {f"T{n}": "".join(RANDOM.choice(list("ACGT"), 300)) for n in range(3)}
# Barcode, UMI, transcript; the fourth repeats the first.
READS = [
    (0, "AAAAAAAAAAAA", "T0"), (0, "CCCCCCCCCCCC", "T0"), (1, "AAAAAAAAAAAA", "T1"), (0, "AAAAAAAAAAAA", "T0"),
]  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    (folder / "t.fa").write_text("".join(f">{name}\n{bases}\n" for name, bases in GENES.items()))
    (folder / "t2g.tsv").write_text("".join(f"{name}\tG{name[1:]}\tgene{name[1:]}\n" for name in GENES))
    kallisto = Path(sys.executable).parent / "kallisto"
    subprocess.run(
        [kallisto, "index", "-i", folder / "t.idx", "-T", folder / "tmp", folder / "t.fa"],
        check=True,
        capture_output=True,
    )
    (folder / "list.txt.gz").write_bytes(gzip.compress(("-1\n".join(BARCODES) + "-1\n").encode()))
    return folder


def lane(folder: Path, number: int, pairs: list[tuple[str, str]]) -> tuple[Path, Path]:
    paths = folder / f"{number}_1.fq.gz", folder / f"{number}_2.fq.gz"
    for path, mates in zip(paths, zip(*pairs, strict=True), strict=True):
        text = "".join(f"@r{place}\n{bases}\n+\n{'F' * len(bases)}\n" for place, bases in enumerate(mates))
        path.write_bytes(gzip.compress(text.encode()))
    return paths


def planted() -> list[tuple[str, str]]:
    pairs = [(BARCODES[cell] + umi, GENES[name][-100:-20]) for cell, umi, name in READS]
    pairs.append(("ACGTACGTACGTACGA" + "GGGGGGGGGGGG", GENES["T2"][-90:-10]))  # one letter from the first barcode
    pairs.append(("GGGGGGGGGGGGGGGG" + "GGGGGGGGGGGG", GENES["T2"][-90:-10]))  # on no list
    return pairs


def counted(reference: Path, folder: Path, lanes: list[tuple[Path, Path]], **inputs):
    first, second = zip(*lanes, strict=True)
    names = {"index": reference / "t.idx", "t2g": reference / "t2g.tsv", "whitelist": reference / "list.txt.gz"}
    return run_step(
        "count_reads", folder, inputs={"reads1": first, "reads2": second, **names, **inputs},
        outputs={"folder": folder / "out"}, params={"technology": "0,0,16:0,16,28:1,0,0", "strand": "--fr-stranded"},
    )  # fmt: skip


def test_molecules_are_counted_once_over_lanes(reference: Path, tmp_path: Path):
    pairs = planted()
    run = counted(reference, tmp_path, [lane(tmp_path, 1, pairs[:3]), lane(tmp_path, 2, pairs[3:])])
    assert run.returncode == 0, run.stdout
    found = read_counted("kb", tmp_path / "out", reference / "t2g.tsv")
    assert found.barcodes == BARCODES and list(found.features["symbol"]) == ["gene0", "gene1", "gene2"]
    assert found.counts.toarray().tolist() == [[2, 0, 1], [0, 1, 0]]
    assert found.reads.toarray().tolist() == [[3, 0, 1], [0, 1, 0]]
    assert found.histogram.to_numpy().tolist() == [[1, 3], [2, 1]]
    # 6 reads, all mapped, one with an unknown barcode; 4 molecules of 5 reads.
    told = {"reads": 6, "mapped_percent": 100, "valid_barcode_percent": 83.3333, "saturation_percent": 20}
    assert found.statistics == pytest.approx(told)


def test_a_damaged_file_and_unequal_mates_stop_it(reference: Path, tmp_path: Path):
    one, two = lane(tmp_path, 1, planted() * 200)
    whole = two.read_bytes()
    two.write_bytes(whole[:-30])
    run = counted(reference, tmp_path, [(one, two)])
    assert run.returncode != 0 and "is truncated or damaged" in run.stdout
    two.write_bytes(gzip.compress(b"".join(gzip.decompress(whole).splitlines(keepends=True)[:-4])))
    run = counted(reference, tmp_path, [(one, two)])
    assert run.returncode != 0 and "has 1200 reads" in run.stdout and "1199" in run.stdout
    assert not (tmp_path / "out").exists()


def test_a_transcript_without_gene_stops_it_before_bustools_loops(reference: Path, tmp_path: Path):
    (tmp_path / "t2g.tsv").write_text("T0\tG0\tgene0\nT1\tG1\tgene1\n")
    run = counted(reference, tmp_path, [lane(tmp_path, 1, planted())], t2g=tmp_path / "t2g.tsv")
    assert run.returncode != 0 and "lacks transcripts of the index: T2" in run.stdout
