"""A small study in the layout of this repository, with published results, that can be reproduced in some seconds."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

import kimed_compare
from kimed_spe import canonical

REPOSITORY = Path(__file__).resolve().parents[2]
SNAKEFILE = """
configfile: "config/tiny.yaml"
rule all:
    input: "results/tiny/people.tsv", "results/tiny/plot.png", expand("results/tiny/per/{name}.txt", name=["a", "b"])
rule means:
    input: "test_data/values.tsv"
    output: table="results/tiny/means.tsv", note="results/tiny/note.txt", people="results/tiny/people.tsv"
    params: factor=config["factor"]
    script: "../../scripts/tiny/means.py"
rule plot:
    input: "results/tiny/means.tsv"
    output: "results/tiny/plot.png"
    script: "../../scripts/tiny/plot.py"
rule per:
    input: "test_data/values.tsv"
    output: "results/tiny/per/{name}.txt"
    shell: "grep -c . {input:q} > {output:q}; echo {wildcards.name} >> {output:q}"
"""
MEANS = """
import csv
from pathlib import Path
SHIFT = 0.0
rows = list(csv.DictReader(open(snakemake.input[0]), delimiter="\\t"))
mean = sum(float(row["value"]) for row in rows) / len(rows) * snakemake.params.factor + SHIFT
Path(snakemake.output.table).write_text(f"group\\tmean\\nall\\t{mean!r}\\nhalf\\t{mean / 2!r}\\n")
Path(snakemake.output.note).write_text("written by tiny\\n")
Path(snakemake.output.people).write_text("".join(f"{row['person']}\\t{row['value']}\\n" for row in rows))
"""
PLOT = """
import csv
import yaml
from PIL import Image
rows = list(csv.DictReader(open(snakemake.input[0]), delimiter="\\t"))
picture = Image.new("RGB", (200, 120), "white")
for number, row in enumerate(rows):
    picture.paste((40, 90, 160), (20 + 80 * number, 110 - int(float(row["mean"]) * 20) % 100, 80 + 80 * number, 110))
picture.save(snakemake.output[0])
"""
OUTPUTS = """
outputs:
  - {path: results/tiny/means.tsv, meaning: Means of the values per group, egress: open, comparator: table,
     tolerance: {relative: 1.0e-6}, justification: Sums may be made in another order elsewhere}
  - {path: results/tiny/people.tsv, meaning: One row per person with the value, egress: never, comparator: exact}
  - {path: results/tiny/plot.png, meaning: Means of the groups as bars, egress: check, comparator: image}
  - {path: results/tiny/note.txt, meaning: Who wrote these results, egress: open, comparator: text}
  - {path: "results/tiny/per/{person}.txt", meaning: Number of lines for one person, egress: never, comparator: exact}
"""


@dataclass
class Study:
    """A checkout with the demonstration's offices, and a register of its own."""

    root: Path
    environment: dict[str, str]

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def permit(self) -> None:
        run = self.spe("permit", "demo", "-s", "workflows/tiny/Snakefile")
        assert run.returncode == 0, run.stdout

    def spe(
        self, *arguments: str, timeout: int = 600, python: str = sys.executable, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-m", "kimed_spe.cli", *arguments], cwd=self.root, text=True, check=False, timeout=timeout,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **self.environment, **environment},
        )  # fmt: skip

    def reproduce(
        self, *arguments: str, sign: bool = True, python: str = sys.executable, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        if sign:
            self.permit()
        return self.spe("reproduce", "tiny", "--cores", "2", *arguments, python=python, **environment)

    @property
    def out(self) -> Path:
        return self.root / "results" / "reproduction" / "tiny"

    def predicate(self, path: Path | None = None) -> dict[str, Any]:
        return statement(path or self.out / "certificate.json")["predicate"]

    def entries(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.root / ".spe" / "register" / "log.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


def statement(path: Path) -> dict[str, Any]:
    import base64

    return canonical.decode(base64.b64decode(json.loads(path.read_text())["payload"]))


def build(root: Path) -> Study:
    """Write the study; nothing is published yet."""
    study = Study(root, {})
    study.write("workflows/tiny/Snakefile", SNAKEFILE)
    study.write("workflows/tiny/outputs.yaml", OUTPUTS)
    study.write("scripts/tiny/means.py", MEANS)
    study.write("scripts/tiny/plot.py", PLOT)
    study.write("rules/README.md", "None.\n")
    study.write("envs/README.md", "None.\n")
    study.write("config/tiny.yaml", "factor: 1.5\nlabels: {first: a, second: b}\n")
    study.write("test_data/values.tsv", "person\tvalue\nP-4711\t1.0\nP-0815\t2.5\n")
    study.write("requirements/dev.lock", "snakemake==9.27.1\npillow==12.3.0\n")
    shutil.copytree(REPOSITORY / "profiles" / "spe", root / "profiles" / "spe")
    return study


def publish(study: Study) -> None:
    """Published results, worked out by hand from `values.tsv` and `factor`: mean 1.75 x 1.5 = 2.625, half 1.3125."""
    folder = study.root / "workflows" / "tiny" / "expected" / "files"
    folder.mkdir(parents=True)
    (folder / "means.tsv").write_text("group\tmean\nall\t2.625\nhalf\t1.3125\n")
    (folder / "people.tsv").write_text("P-4711\t1.0\nP-0815\t2.5\n")
    (folder / "note.txt").write_text("written by tiny\n")
    picture = Image.new("RGB", (200, 120), "white")
    picture.paste((40, 90, 160), (20, 110 - 52, 80, 110))
    picture.paste((40, 90, 160), (100, 110 - 26, 160, 110))
    picture.save(folder / "plot.png")
    for name in "ab":
        (folder / f"{name}.txt").write_text(f"3\n{name}\n")
    write_expected(study, folder)


def write_expected(study: Study, folder: Path) -> None:
    outputs = {}
    for entry in yaml.safe_load(OUTPUTS)["outputs"]:
        for file in sorted(folder.iterdir()):
            name = f"results/tiny/{'per/' if file.stem in 'ab' else ''}{file.name}"
            pattern = entry["path"].replace("{person}", file.stem)
            if name == pattern:
                outputs[name] = {
                    "sha256": canonical.sha256_file(file),
                    "size": file.stat().st_size,
                    "comparator": entry["comparator"],
                    "fingerprint": kimed_compare.fingerprint(entry["comparator"], file, entry.get("tolerance")),
                    "reference": f"files/{file.name}" if entry["egress"] != "never" else None,
                }
    study.write(
        "workflows/tiny/expected/expected.json",
        json.dumps({"type": "kimed-expected/1", "workflow": "tiny", "outputs": outputs}),
    )


def commit(study: Study) -> str:
    """Commit everything but the results; returns the commit."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(study.root)]
    study.write(".gitignore", "results/\n.spe/\n.snakemake/\n")
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "state"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
