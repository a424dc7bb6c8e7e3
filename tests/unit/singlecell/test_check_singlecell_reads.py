"""Every problem with reads, lists of barcodes and references is said before any job, with file, place and remedy."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from kimedlib.check_singlecell_reads import check_reads

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = REPOSITORY / "test_data/singlecell_reads"
READS = 400


class Study:
    """A sheet with one library of two lanes and its config; methods change one thing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in DATA.glob("reads1_L*.fastq.gz"):
            lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)[: 4 * READS]
            (folder / path.name).write_bytes(gzip.compress(b"".join(lines)))
        for name in ("genome.fa.gz", "genes.gtf.gz", "barcodes.txt.gz"):
            shutil.copy(DATA / name, folder / name)
        self.settings = {
            "engine": "kb",
            "genome": str(folder / "genome.fa.gz"),
            "gene_model": str(folder / "genes.gtf.gz"),
            "whitelists": {"10xv3": str(folder / "barcodes.txt.gz")},
        }
        self.row = {
            "sample": "s1",
            "counts": "",
            "reads1": ";".join(str(self.read(lane, 1)) for lane in (1, 2)),
            "reads2": ";".join(str(self.read(lane, 2)) for lane in (1, 2)),
            "chemistry": "10xv3",
        }

    def read(self, lane: int, mate: int) -> Path:
        return self.folder / f"reads1_L00{lane}_R{mate}.fastq.gz"

    def rewrite(self, name: str, change) -> None:
        """Give a gzipped text file other lines."""
        path = self.folder / name
        lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
        path.write_bytes(gzip.compress("".join(change(lines)).encode()))

    def bases(self, mate: int, change) -> None:
        """Change the bases (and the length of the qualities) of a mate in both lanes."""
        for lane in (1, 2):
            lines = gzip.decompress(self.read(lane, mate).read_bytes()).decode().splitlines()
            for place in range(1, len(lines), 4):
                lines[place] = change(lines[place])
                lines[place + 2] = "F" * len(lines[place])
            self.read(lane, mate).write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))

    def said(self, *rows: dict[str, str]) -> str:
        lines = list(enumerate([self.row, *rows], 2))
        return "\n".join(map(str, check_reads(lines, "sheet.tsv", self.settings, conda=False)))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def exchange(study: Study) -> None:
    study.row["reads1"], study.row["reads2"] = study.row["reads2"], study.row["reads1"]


def exchange_without_names(study: Study) -> None:
    for lane in (1, 2):
        for mate in (1, 2):
            study.rewrite(
                study.read(lane, mate).name, lambda lines: [line.split(" ")[0].rstrip() + "\n" for line in lines]
            )
    exchange(study)


def two_lists(study: Study) -> None:
    """The sheet says v2; the barcodes are on the list of v3."""
    random = np.random.default_rng(1)
    other = ["".join(random.choice(list("ACGT"), 16)) for _ in range(500)]
    (study.folder / "v2.txt").write_text("\n".join(other) + "\n")
    study.settings["whitelists"]["10xv2"] = str(study.folder / "v2.txt")
    study.row["chemistry"] = "10xv2"
    study.bases(1, lambda read: read + "T" * 40)


def damage(name: str, keep: float):
    def change(study: Study) -> None:
        path = study.folder / name
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])

    return change


def replaced(name: str, old: str, new: str):
    return lambda study: study.rewrite(name, lambda lines: [line.replace(old, new) for line in lines])


def oligo_dt(study: Study) -> None:
    """Reads of v2 sequenced for 40 bases, called v3."""
    study.bases(1, lambda read: read[:26] + "T" * 14)


COMPLEMENT = str.maketrans("ACGT", "TGCA")
CASES = {
    "mates exchanged by name": (exchange, ["the mates are exchanged", "exchange reads1 and reads2"]),
    "mates exchanged by content": (exchange_without_names, ["those of reads2 are: the mates are exchanged"]),
    "v2 called v3": (
        lambda s: s.bases(1, lambda read: read[:26]), ["has 26 bases, 10xv3 needs 28", "10xv2 or 10xv2-5p"],
    ),
    "v2 called v3, longer": (oligo_dt, ["UMIs have 10 bases, not 12", "write 10xv2"]),
    "v3 called v2": (two_lists, ["but on that of 10xv3", "write 10xv3 in the column chemistry"]),
    "reversed barcodes": (
        lambda s: s.bases(1, lambda read: read[:16].translate(COMPLEMENT)[::-1] + read[16:]),
        ["their reverse complements are"],
    ),
    "shifted": (lambda s: s.bases(1, lambda read: "AC" + read), ["begin at base 3 of read 1"]),
    "foreign barcodes": (
        lambda s: s.bases(1, lambda read: "A" * 16 + read[16:]),
        ["0.0% of the first 400 barcodes are on the list of 10xv3", "correct the chemistry"],
    ),
    "truncated": (damage("reads1_L001_R2.fastq.gz", 0.7), ["is truncated or damaged", "column reads2"]),
    "empty file": (damage("reads1_L002_R1.fastq.gz", 0), ["is empty"]),
    "no reads": (lambda s: s.rewrite("reads1_L002_R1.fastq.gz", lambda lines: []), ["holds no reads"]),
    "unpaired numbers": (
        lambda s: s.rewrite("reads1_L001_R2.fastq.gz", lambda lines: lines[:-4]),
        ["holds 400 reads", "399", "incomplete"],
    ),
    "unpaired names": (replaced("reads1_L001_R2.fastq.gz", "@S:", "@X:"), ["are not mates"]),
    "lanes in another order": (
        lambda s: s.row.update(reads2=";".join(reversed(s.row["reads2"].split(";")))), ["are not mates"],
    ),
    "one lane missing": (
        lambda s: s.row.update(reads2=s.row["reads2"].split(";")[0]), ["reads1 names 2 files, reads2 1"],
    ),
    "same file twice": (
        lambda s: s.row.update(reads1=";".join([str(s.read(1, 1))] * 2), reads2=";".join([str(s.read(1, 2))] * 2)),
        ["stands already in line 2, column reads1"],
    ),
    "same reads under another name": (
        lambda s: [shutil.copy(s.read(1, mate), s.read(2, mate)) for mate in (1, 2)], ["holds the same reads as"],
    ),
    "list with header": (
        lambda s: s.rewrite("barcodes.txt.gz", lambda lines: ["barcode\n", *lines]),
        ["barcode 1", "has 7 letters, others 16"],
    ),
    "list with other letters": (
        lambda s: s.rewrite("barcodes.txt.gz", lambda lines: [*lines, "ACGTNNNNACGTACGT\n"]),
        ["other letters than A, C, G, T"],
    ),
    "list with repeats": (
        lambda s: s.rewrite("barcodes.txt.gz", lambda lines: [*lines, lines[0]]), ["1 barcodes stand twice"],
    ),
    "list of another width": (
        lambda s: s.rewrite("barcodes.txt.gz", lambda lines: sorted({line[:14] + "\n" for line in lines})),
        ["barcodes have 14 bases, those of 10xv3 have 16"],
    ),
    "empty list": (lambda s: s.rewrite("barcodes.txt.gz", lambda lines: []), ["holds no barcodes"]),
    "damaged list": (damage("barcodes.txt.gz", 0.5), ["is damaged or no text"]),
    "no list": (lambda s: s.settings.update(whitelists={}), ["has no 10xv3", "Cell Ranger"]),
    "contigs named otherwise": (replaced("genes.gtf.gz", "chrS\t", "S\t"), ["lie on contigs", "'S'; it has 'chrS'"]),
    "GFF3 for GTF": (replaced("genes.gtf.gz", 'gene_id "', "Parent="), ["GFF3 is not GTF"]),
    "gene model beyond the genome": (
        lambda s: s.rewrite("genome.fa.gz", lambda lines: lines[: len(lines) // 2]),
        ["ends at", "one source and release"],
    ),
    "no exons": (replaced("genes.gtf.gz", "\texon\t", "\tCDS\t"), ["holds no exons"]),
    "genome is no FASTA": (replaced("genome.fa.gz", ">", ""), ["does not begin with '>'"]),
    "damaged genome": (damage("genome.fa.gz", 0.5), ["is damaged or no FASTA"]),
    "two references": (
        lambda s: s.settings.update(index="x.idx"), ["has genome, gene_model, index", "x.idx does not exist"],
    ),
    "no reference": (lambda s: (s.settings.pop("genome"), s.settings.pop("gene_model")), ["has no reference"]),
    "counts as well": (lambda s: s.row.update(counts="x.h5"), ["gives counts and reads1, reads2, chemistry"]),
    "no chemistry": (lambda s: s.row.update(chemistry=""), ["gives reads1, reads2", "give counts, or all of"]),
    "custom without layout": (lambda s: s.row.update(chemistry="custom"), ["key reads.custom: is missing"]),
    "unknown chemistry of a list": (
        lambda s: s.settings["whitelists"].update({"10xv9": "x"}), ["no chemistry '10xv9' is known"],
    ),
    "absent programme": (lambda s: s.settings.update(engine="simpleaf"), ["simpleaf needs the command simpleaf"]),
    "no section": (lambda s: s.settings.clear(), ["key reads: is missing", "config/reads/singlecell.yaml"]),
}  # fmt: skip


def test_good_reads_have_no_problems(study: Study):
    assert study.said() == ""


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_said(study: Study, name: str, monkeypatch):
    monkeypatch.setenv("PATH", f"{REPOSITORY / '.venv/bin'}:/nonexistent")
    change, expected = CASES[name]
    change(study)
    said = study.said()
    for text in expected:
        assert text in said, said
    assert "->" in said


def test_all_problems_come_at_once(study: Study):
    damage("reads1_L001_R2.fastq.gz", 0.7)(study)
    replaced("genes.gtf.gz", "chrS\t", "S\t")(study)
    study.rewrite("barcodes.txt.gz", lambda lines: [*lines, lines[0]])
    said = study.said({**study.row, "sample": "s2"})
    for text in ("truncated", "lie on contigs", "stand twice", "stands already in line 2"):
        assert text in said, said


def test_table_of_genes_is_checked(study: Study, tmp_path: Path):
    (tmp_path / "x.idx").write_bytes(b"index")
    (tmp_path / "t2g.tsv").write_text("T1\tG1\nT1\tG2\nT2\n")
    study.settings = {"engine": "kb", "index": str(tmp_path / "x.idx"), "t2g": str(tmp_path / "t2g.tsv")}
    said = study.said()
    assert "line 2: transcript 'T1' belongs to 'G1' and to 'G2'" in said
    assert "line 3: 'T2' has no transcript and gene" in said


def test_overlapping_custom_layout_is_refused(study: Study):
    study.settings["custom"] = {"barcode": [0, 16], "umi": [12, 24], "strand": "forward"}
    study.row["chemistry"] = "custom"
    assert "are empty or overlap" in study.said()


def test_conda_brings_the_programme(study: Study, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert check_reads([(2, study.row)], "sheet.tsv", study.settings, conda=True) == []
