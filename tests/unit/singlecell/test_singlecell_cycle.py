"""The table of genes of the cell cycle, and samples that hold too few of them, before any job."""

from pathlib import Path

import pytest
import yaml

from kimedlib.singlecell_cycle import cycle_problems, measured

SHIPPED = Path(__file__).resolve().parents[3] / "config/markers/cell_cycle.yaml"
SETS = yaml.safe_load(SHIPPED.read_text())
ALL = {*SETS["s"], *SETS["g2m"]}


def test_samples_with_the_genes_pass_by_old_or_present_names():
    present = {SETS["renamed"].get(name, name) for name in ALL}
    section = {"genes": str(SHIPPED), "minimum_genes": 43}
    assert cycle_problems(section, [ALL]) == cycle_problems(section, [present]) == cycle_problems(section, []) == []
    assert "CENPU" in measured(SETS, present)["s"] and "MLF1IP" in measured(SETS, ALL)["s"]


def test_genes_must_be_in_all_samples():
    section = {"genes": str(SHIPPED), "minimum_genes": 10}
    found = "\n".join(map(str, cycle_problems(section, [ALL, {*SETS["s"], "CDK1"}])))
    assert "1 of the 54 genes of phase g2m were measured, 10 are needed" in found and "phase s" not in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s: [A\n", "is no YAML"),
        ("- A\n", "is no mapping"),
        ("s: [A]\nG2M: [B]\n", "key g2m: is no list"),
        ("s: [1, 2]\ng2m: [B]\n", "key s: is no list of gene names"),
        ("s: [A]\ng2m: [B]\nrenamed: [C]\n", "key renamed: is no mapping"),
    ],
)
def test_tables_that_are_none(tmp_path, text, said):
    (tmp_path / "cycle.yaml").write_text(text)
    assert said in "\n".join(map(str, cycle_problems({"genes": str(tmp_path / "cycle.yaml"), "minimum_genes": 1}, [])))
