"""Consequences equal those that the authors of bcftools expect, also of variants that act together.

Truth: the fixtures of bcftools (KIMED_DATA/genomics/bcftools_csq) with the expected outputs that stand beside them.
The command is the one of our rules: `bcftools csq -p a`.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
# The gene models that stand beside the variants under another name than the variants have
MODELS = {"ribosomal-slippage": "ribosomal-slippage.gff", "simple": "simple.gff"}


@pytest.fixture(scope="module")
def fixtures(kimed_data):
    return kimed_data / "genomics" / "bcftools_csq"


def consequences(reference, model, variants, *options):
    """Position, alleles and consequences of every record."""
    command = [
        BIN / "bcftools",
        "csq",
        "--no-version",
        "-p",
        "a",
        "-f",
        reference,
        "-g",
        model,
        "-Ov",
        *options,
        variants,
    ]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found = []
    for line in run.stdout.splitlines():
        if not line.startswith("#"):
            cells = line.split("\t")
            info = dict(one.partition("=")[::2] for one in cells[7].split(";"))
            found.append(((cells[1], cells[3], cells[4]), parts(info.get("BCSQ", ""))))
    return found


def parts(text):
    """The consequences of a field, whatever their order."""
    return sorted(one for one in text.split(",") if one not in {"", "."})


def stated(path):
    """Found consequences of an expected output of bcftools: the second line of each pair, by place and alleles."""
    blocks = path.read_text().rstrip("\n").split("\n\n")
    rows = [block.splitlines()[1].split("\t") for block in blocks]
    return [(tuple(row[:3]), parts(row[3])) for row in rows]


def cases(fixtures):
    """Reference, gene model, variants and the expected output beside them."""
    yield fixtures / "csq.fa", fixtures / "csq.gff3", fixtures / "csq.vcf", fixtures / "csq.1.out"
    for variants in sorted(fixtures.glob("csq/*/*.vcf")):
        folder = variants.parent
        outputs = [path for end in (".cmd.out", ".txt") if (path := variants.with_suffix(end)).is_file()]
        if outputs:  # the others have one output together: the next test
            model = folder / MODELS.get(variants.stem, f"{folder.name}.gff")
            yield folder / f"{folder.name}.fa", model, variants, outputs[0]


def test_every_record_of_the_fixtures_has_the_expected_consequence(fixtures):
    records, files, compound = 0, 0, 0
    for reference, model, variants, output in cases(fixtures):
        options = ["--force"] if variants.stem == "ribosomal-slippage" else []
        found = consequences(reference, model, variants, *options)
        expected = stated(output)
        assert found == expected, variants
        files, records = files + 1, records + len(found)
        compound += sum(one.startswith("@") for _, wanted in expected for one in wanted)
    assert files >= 7
    assert records >= 50
    assert compound >= 20  # records whose consequence is that of several variants together


def test_outputs_that_stand_beside_the_fixtures_are_ours(fixtures):
    folder = fixtures / "csq" / "ENST00000580206"
    commands = re.findall(r"-g (\S+) (\S+\.vcf)", (folder / "test.cmd").read_text())
    blocks = (folder / "test.cmd.out").read_text().rstrip("\n").split("\n\n")
    assert len(commands) == len(blocks) >= 10
    for (model, variants), block in zip(commands, blocks, strict=True):
        expected = [(tuple(cells[:3]), parts(cells[3])) for cells in (line.split("\t") for line in block.splitlines())]
        found = consequences(folder / "ENST00000580206.fa", folder / model, folder / variants)
        assert found == expected, f"{model}, {variants}"


def test_alone_the_same_variants_have_another_consequence(fixtures, tmp_path):
    """The comparison above can fail: without its partner an insertion of six bases changes the protein otherwise."""
    folder = fixtures / "csq" / "ENST00000580206"
    text = (folder / "compound.ins-snv.vcf").read_text().rstrip("\n").splitlines()
    alone = tmp_path / "alone.vcf"
    alone.write_text("\n".join([*text[:-1], ""]))
    inputs = (folder / "ENST00000580206.fa", folder / "short.gff")
    both = consequences(*inputs, folder / "compound.ins-snv.vcf")
    assert consequences(*inputs, alone)[0][1] != both[0][1]
