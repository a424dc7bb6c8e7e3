"""Every kind of bad input is named with file, line and remedy, all at once."""

import gzip

import pandas as pd
import pytest

from kimedlib.check_genomics import check_files, normals_of
from kimedlib.check_genomics_reads import first_name
from kimedlib.sheet import read_rows

RECORD = "@r{number}/{end}\nACGTACGT\n+\nFFFFFFFF\n"


def fastq(path, end, numbers=range(5)):
    path.write_bytes(gzip.compress("".join(RECORD.format(number=n, end=end) for n in numbers).encode()))
    return str(path)


@pytest.fixture
def good(tmp_path):
    """A config and a sheet without any problem."""
    (tmp_path / "reference.fa").write_text(">c1\nACGT\n>c2\nACGT\n")
    (tmp_path / "targets.bed").write_text("c1\t0\t4\nc2\t0\t4\n")
    config = {
        "reference": str(tmp_path / "reference.fa"), "targets": str(tmp_path / "targets.bed"), "gene_model": "",
        "region": "c2:1-3", "somatic": {"panel_of_normals": "", "population_frequencies": ""},
    }  # fmt: skip
    rows = [
        {
            "sample": f"p_{role}", "patient_id": "p", "role": role, "sex": "",
            "fastq_1": fastq(tmp_path / f"{role}_1.fastq.gz", 1), "fastq_2": fastq(tmp_path / f"{role}_2.fastq.gz", 2),
            "truth_vcf": "", "truth_bed": "", "lane": "", "alignments": "", "father_id": "", "mother_id": "",
        }
        for role in ("normal", "tumour")
    ]  # fmt: skip
    return config, pd.DataFrame(rows), tmp_path


def problems(good):
    config, frame, _ = good
    return check_files(config, frame.to_dict("records"), "sheet.tsv")


def test_good_input_has_no_problems(good):
    assert problems(good) == []
    assert normals_of(good[1].to_dict("records")) == {"p_normal": ["p_normal"], "p_tumour": ["p_normal"]}
    assert normals_of(good[1][good[1]["role"] == "tumour"].to_dict("records")) == {"p_tumour": []}


def truncate(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


FASTQ_CASES = {
    "does not exist": lambda path: path.unlink(),
    "is empty": lambda path: path.write_bytes(b""),
    "is not gzip": lambda path: path.write_text(RECORD.format(number=1, end=1)),
    "truncated": truncate,
    "holds no reads": lambda path: path.write_bytes(gzip.compress(b"")),
    "is not FASTQ": lambda path: path.write_bytes(gzip.compress(b">r1\nACGT\n")),
    "ends within a read": lambda path: path.write_bytes(gzip.compress(b"@r0\nACGT\n+\n")),
    "fastq_1 holds 3 reads, fastq_2 5": lambda path: fastq(path, 1, range(3)),
    "the first reads are not mates": lambda path: fastq(path, 1, range(1, 6)),
}


@pytest.mark.parametrize("expected", FASTQ_CASES)
def test_bad_fastq(good, expected):
    FASTQ_CASES[expected](good[2] / "tumour_1.fastq.gz")
    (found,) = problems(good)
    assert found.file == "sheet.tsv"
    assert found.place.startswith("line 3")
    assert expected in found.found
    assert found.remedy


def test_the_same_file_twice(good):
    good[1].loc[0, "fastq_2"] = good[1].loc[0, "fastq_1"]
    assert "the same file" in problems(good)[0].found


def test_ends_are_exchanged(good):
    good[1].loc[1, ["fastq_1", "fastq_2"]] = good[1].loc[1, ["fastq_2", "fastq_1"]].to_list()
    (found,) = problems(good)
    assert found.place == "line 3" and "fastq_1 holds the second reads" in found.found


@pytest.mark.parametrize(
    ("line", "name", "end"),
    [
        ("@r1/2\n", "r1", "2"),
        ("@M:1:F 2:N:0:ACGT\n", "M:1:F", "2"),
        ("@SRR1.7 7 length=101\n", "SRR1.7", ""),
        ("@r1\n", "r1", ""),
    ],
)
def test_names_tell_which_end_they_are(line, name, end):
    assert first_name(line) == (name, end)


def test_a_tumour_with_the_reads_of_its_normal(good, tmp_path):
    (tmp_path / "link.fastq.gz").symlink_to(good[1].loc[0, "fastq_1"])
    good[1].loc[1, "fastq_1"] = str(tmp_path / "link.fastq.gz")
    (found,) = problems(good)
    assert found.place == "line 3, column fastq_1" and "stands already in line 2, column fastq_1" in found.found
    good[1].loc[1, "patient_id"] = "q"  # somebody else's: may be one person's two tumours; identity is for the reads
    assert not any("stands already" in one.found for one in problems(good))


def test_a_patient_has_one_sex(good):
    good[1]["sex"] = ["female", ""]
    assert problems(good) == []
    good[1]["sex"] = ["female", "male"]
    (found,) = problems(good)
    assert found.place == "line 2, column sex" and "'female', 'male'" in found.found


def test_lines_are_those_of_the_file(good, tmp_path, repository):
    good[1].loc[1, "fastq_1"] = str(tmp_path / "none.fastq.gz")
    lines = good[1].to_csv(sep="\t", index=False).splitlines()
    (tmp_path / "sheet.tsv").write_text("\r\n".join([lines[0], "", " \t", lines[1], "", lines[2], ""]))
    rows = read_rows(tmp_path / "sheet.tsv", repository / "config" / "schemas" / "genomics.samples.schema.yaml")
    (found,) = check_files(good[0], rows, "sheet.tsv")
    assert found.place == "line 6, column fastq_1"


@pytest.mark.parametrize(
    ("role", "expected"), [("tumour", "has a tumour but no normal"), ("normal", "has 2 normal samples")]
)
def test_roles_of_a_patient(good, role, expected):
    good[1]["role"] = role
    assert any(expected in one.found for one in problems(good))


@pytest.mark.parametrize(
    ("key", "content", "expected"),
    [
        ("targets", "chr1\t0\t4\n", "names 'chr1'"),
        ("targets", "", "is empty"),
        ("targets", "# nothing\n", "holds no records"),
        ("reference", "no fasta\n", "is no FASTA file"),
        ("targets", "c1\t3\t3\n", "line 1 ends before it begins"),
        ("targets", "c1\t-1\t3\n", "begins before the contig"),
        ("targets", "c1 0 4\n", "line 1 has no position"),
    ],
)
def test_bad_files_of_the_config(good, key, content, expected):
    config, _, folder = good
    (folder / f"bad.{key}").write_text(content)
    config[key] = str(folder / f"bad.{key}")
    found = problems(good)
    assert any(expected in one.found and one.place == f"key {key}" for one in found)


def test_region_and_missing_reference(good):
    config, _, folder = good
    config["region"] = "c9:1-2"
    assert "names 'c9', which the reference does not have" in problems(good)[0].found
    config["reference"] = str(folder / "none.fa")
    assert "does not exist" in problems(good)[0].found


@pytest.mark.parametrize("region", ["c2:5-9", "c2:3-2", "c2:0-2"])
def test_a_region_without_bases(good, region):
    good[0]["region"], good[0]["targets"] = region, ""
    (found,) = problems(good)
    assert f"{region} holds no base: 'c2' has the bases 1 to 4" in found.found


def test_the_mitochondrion_is_in_the_reference(good):
    good[0]["mitochondria"] = {"contig": "chrc1"}
    (found,) = problems(good)
    assert found.place == "key mitochondria: contig" and "which the reference calls 'c1'" in found.found


def test_a_region_without_targets(good):
    (good[2] / "targets.bed").write_text("c2\t3\t4\n")
    (found,) = problems(good)
    assert found.place == "key region" and "no target" in found.found


def test_driver_genes_are_in_the_gene_model(good):
    config, _, folder = good
    genes = "c1\t.\tgene\t1\t3\t.\t+\t.\tID=gene:E1;Name=KRAS;biotype=protein_coding\n"
    (folder / "genes.gff3").write_text(genes + "c1\t.\tmRNA\t1\t3\t.\t+\t.\tID=transcript:T1;Name=KRAS-201\n")
    config |= {"gene_model": str(folder / "genes.gff3"), "driver_genes": ["KRAS", "E1"]}
    assert problems(good) == []
    config["driver_genes"] = ["KRAS-201", "kras"]
    (found,) = problems(good)
    assert found.place == "key driver_genes" and "has no gene KRAS-201, kras" in found.found


def test_truth_of_another_reference(good):
    truth = good[2] / "truth.vcf"
    truth.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\n1\t5\t.\tA\tC\t.\t.\t.\n")
    good[1].loc[1, "truth_vcf"] = str(truth)
    (found,) = problems(good)
    assert found.place == "line 3, column truth_vcf"


def test_all_problems_come_at_once(good):
    good[0]["region"] = "c9"
    (good[2] / "normal_1.fastq.gz").unlink()
    truncate(good[2] / "tumour_2.fastq.gz")
    assert len(problems(good)) == 3


def test_a_tumour_may_be_alone_with_a_panel_of_this_reference(good):
    config, frame, folder = good
    (folder / "panel.vcf").write_text("##fileformat=VCFv4.2\nc1\t2\t.\tC\tA\t.\t.\t.\n")
    (folder / "other.vcf").write_text("##fileformat=VCFv4.2\n20\t2\t.\tC\tA\t.\t.\t.\n")
    alone = frame[frame["role"] == "tumour"].to_dict("records")
    somatic = {"panel_of_normals": str(folder / "panel.vcf"), "population_frequencies": ""}
    assert check_files({**config, "somatic": somatic}, alone, "sheet.tsv") == []
    somatic["panel_of_normals"] = str(folder / "other.vcf")
    assert "key somatic: panel_of_normals" in str(check_files({**config, "somatic": somatic}, alone, "sheet.tsv")[0])
