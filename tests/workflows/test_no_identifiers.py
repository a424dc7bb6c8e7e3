"""After the whole chain nothing that it wrote names a patient; what the hospital delivered names all of them."""

import base64
import csv
import gzip
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kimed_spe import scan

BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")


@pytest.fixture(scope="module")
def identifiers(repository: Path) -> dict[int, str]:
    """Everything that the generator planted: names, numbers, dates, addresses, telephones, staff, stations."""
    table = repository / "test_data/truth/phi.tsv"
    if not table.is_file():
        pytest.skip("test_data/truth/phi.tsv is not in this checkout")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {number: row["token"] for number, row in enumerate(rows, 2)}


def found(folder: Path, identifiers: dict[int, str]) -> list[scan.Hit]:
    return [item for item in scan.scan([folder], identifiers) if isinstance(item, scan.Hit)]


def test_scan_finds_every_identifier_in_what_was_delivered(repository: Path, identifiers: dict[int, str]):
    seen = {identifiers[hit.form.number] for hit in found(repository / "test_data/imaging", identifiers)}
    assert seen == set(identifiers.values())


def shipped_with_multiqc() -> str:
    """The program text that MultiQC puts into every report; short names occur in it by chance."""
    folder = Path(importlib.util.find_spec("multiqc").origin).parent
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.rglob("*.js")))


def in_clear(page: str) -> list[str]:
    """A page without what it holds in base64, and that decoded: names of four letters occur in base64 by chance."""
    texts = [BASE64.sub("", page)]
    for run in BASE64.findall(page):
        content = base64.b64decode(run[: len(run) // 4 * 4])
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        texts.append(content.decode("utf-8", errors="replace"))
    return texts


def test_no_identifier_is_in_what_the_chain_wrote(cohort_run: Path, identifiers: dict[int, str], tmp_path: Path):
    library = shipped_with_multiqc()
    page = cohort_run / "genomics" / "multiqc.html"
    texts = in_clear(page.read_text(encoding="utf-8"))
    assert any("P001" in text for text in texts[1:]), "nothing was decoded"
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.txt").write_text(text, encoding="utf-8")
    named = {hit.form.number for hit in found(tmp_path, identifiers)}
    hits = [
        hit
        for hit in found(cohort_run, identifiers)
        if Path(hit.path) != page or (hit.form.number in named and identifiers[hit.form.number] not in library)
    ]
    assert hits == [], "\n".join(map(str, hits[:20]))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_identifier_in_base64_is_seen(pack, identifiers: dict[int, str], tmp_path: Path):
    hidden = identifiers[2] + "".join(f" {number}" for number in range(500))
    texts = in_clear(f"<p>{base64.b64encode(pack(hidden.encode())).decode()}</p>")
    (tmp_path / "x.txt").write_text("".join(texts), encoding="utf-8")
    assert 2 in {hit.form.number for hit in found(tmp_path, identifiers)}


def test_chain_wrote_logs_and_benchmarks_that_were_searched(cohort_run: Path):
    """The search above would prove little if they lay elsewhere."""
    for kind in ("logs", "benchmarks"):
        assert len(list(cohort_run.glob(f"*/{kind}/*/*"))) > 20


def test_no_identifier_is_in_the_register_of_the_only_step_that_sees_them(
    repository: Path, identifiers: dict[int, str], permitted: dict[str, str], tmp_path: Path
):
    root = repository / "results" / f"identifiers-{os.getpid()}"
    target = root.relative_to(repository) / "imaging/decisions/P001_ct.json"
    command = [sys.executable, "-m", "snakemake", "--profile", "spe", str(target), "--config"]
    command.append(f"pathvars={{root: {root.relative_to(repository)}}}")
    register = tmp_path / "register"
    environment = {**os.environ, **permitted, "KIMED_REGISTER": str(register)}
    try:
        run = subprocess.run(command, cwd=repository, env=environment, text=True, capture_output=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        (tmp_path / "said").write_text(run.stdout + run.stderr)
        assert '"kind":"job"' in (register / "log.jsonl").read_text()
        assert (root / "imaging/logs/deidentify_series/P001_ct.log").exists()
        for place in (register, tmp_path / "said", root):
            assert found(place, identifiers) == [], place
    finally:
        shutil.rmtree(root, ignore_errors=True)
