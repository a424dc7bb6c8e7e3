import csv
import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from genomics import summarise_tumours
from kimedlib.genomics_contexts import CONTEXTS
from kimedlib.genomics_drivers import fits, read_drivers

OUTPUTS = ("tumours", "variants", "contexts", "exposed", "clonality", "spectrum")


def rows(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def summarise(folder, profiles, settings, driver_table=None, signatures=None):
    paths = {name: folder / f"{name}.{'png' if name in OUTPUTS[4:] else 'tsv'}" for name in OUTPUTS}
    summarise_tumours.main(
        profiles=profiles, driver_table=driver_table, signatures=signatures, driver_genes=["KMD1"], settings=settings,
        **paths,
    )  # fmt: skip
    return paths


def test_tables_of_the_run_hold_the_plan(genomics_run, repository):
    tumour = rows(genomics_run / "tumours.tsv")[0]
    plan = {row["patient_id"]: row for row in rows(repository / "test_data" / "truth" / "patients.tsv")}["P003"]
    assert (tumour["driver_genes"] == "KMD1") == (plan["driver_mutated"] == "1")
    planted = int(plan["somatic_count"]) + int(plan["driver_mutated"])
    assert abs(int(tumour["mutations"]) - planted) <= 2
    assert tumour["burden_status"] == "not determinable"  # the panel is far below a megabase
    variants = rows(genomics_run / "somatic_variants.tsv")
    assert {row["gene"] for row in variants if row["driver"] == "yes"} == set(tumour["driver_genes"].split())
    contexts = pd.read_csv(genomics_run / "mutational_contexts.tsv", sep="\t")
    snvs = [row for row in variants if len(row["reference"]) == len(row["other"]) == 1]
    assert contexts["P003_tumour"].sum() == len(snvs)
    for name in ("clonality", "mutational_contexts"):
        assert np.std(imread(genomics_run / "figures" / f"{name}.png")) > 0.02


def invented(folder, count, shares, seed=3):
    """A profile whose substitutions are drawn from a mixture of two invented signatures, and those as a table."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.dirichlet(np.full(96, 0.15), 2).T, columns=["A", "B"])
    drawn = rng.choice(list(CONTEXTS), count, p=table.to_numpy() @ shares)
    table.insert(0, "Type", CONTEXTS)
    table.to_csv(folder / "signatures.tsv", sep="\t", index=False)
    burden = {"mutations": count, "callable_bases": 2_000_000, "per_megabase": count / 2, "low": 1.0, "high": 99.0}
    variant = {
        "contig": "1", "position": 7, "reference": "C", "other": "T", "quality": 50.0, "tumour_reads": 20,
        "tumour_depth": 60, "tumour_fraction": 0.333, "normal_reads": 0, "normal_depth": 40, "amino_acids": "1A>1T",
    }  # fmt: skip
    variants = [{**variant, "context": str(one), "gene": "G", "consequence": "missense"} for one in drawn]
    three = {f"{one[0]}{one[2]}{one[6]}": 10 for one in CONTEXTS}
    profile = {
        "sample": "T", "patient_id": "P", "burden": burden, "protein_changing_burden": burden, "instability": None,
        "tumour_in_normal": None, "clones": None, "sequenced_contexts": three, "genome_contexts": three,
        "variants": variants,
    }  # fmt: skip
    path = folder / "T.json"
    path.write_text(json.dumps(profile))
    return path, folder / "signatures.tsv"


def test_a_planted_mixture_of_signatures_is_in_the_table(tmp_path, genomics_settings):
    profile, signatures = invented(tmp_path, 400, [0.3, 0.7])
    made = summarise(tmp_path, [profile], genomics_settings["tumour"], signatures=signatures)
    found = {row["signature"]: row for row in rows(made["exposed"])}
    assert float(found["A"]["low"]) <= 0.3 <= float(found["A"]["high"])
    assert float(found["B"]["share"]) == pytest.approx(0.7, abs=0.08) and float(found["B"]["cosine"]) > 0.95
    assert rows(made["tumours"])[0]["burden_status"] == "high"
    again = summarise(tmp_path, [profile], genomics_settings["tumour"], signatures=signatures)
    assert rows(again["exposed"]) == rows(made["exposed"])


def test_too_few_mutations_get_no_signatures(tmp_path, genomics_settings):
    profile, signatures = invented(tmp_path, 20, [0.5, 0.5])
    made = summarise(tmp_path, [profile], genomics_settings["tumour"], signatures=signatures)
    assert [row["status"] for row in rows(made["exposed"])] == ["too few mutations"]


def test_a_run_without_tumours_has_empty_tables_and_figures(tmp_path, genomics_settings):
    made = summarise(tmp_path, [], genomics_settings["tumour"])
    assert rows(made["tumours"]) == rows(made["variants"]) == []
    assert len(rows(made["contexts"])) == 96 and made["clonality"].stat().st_size > 1000


def test_driver_tables_are_read_in_both_forms_and_checked(tmp_path, genomics_settings):
    table = tmp_path / "d.tsv"
    table.write_text("SYMBOL\tROLE\tCANCER_TYPE\nG\tAct\tA\nG\tAct\tB\nH\tLoF\tA\nI\tAct\tA\nI\tLoF\tB\n")
    drivers = read_drivers(table, ["Z"])
    assert {gene: one.role for gene, one in drivers.items()} == {
        "Z": "", "G": "activating", "H": "loss of function", "I": "ambiguous",
    }  # fmt: skip
    assert drivers["G"].source == "A, B"
    profile, _ = invented(tmp_path, 3, [0.5, 0.5])
    made = summarise(tmp_path, [profile], genomics_settings["tumour"], driver_table=table)
    assert {(row["driver_role"], row["fits_role"]) for row in rows(made["variants"])} == {("activating", "yes")}
    table.write_text("gene\trole\tsource\nG\tsometimes\tX\n")
    with pytest.raises(ValueError, match=r"line 2, column role: 'sometimes' is not one of activating"):
        read_drivers(table, [])
    table.write_text("gene\tsource\nG\tX\n")
    with pytest.raises(ValueError, match="no column role"):
        read_drivers(table, [])


@pytest.mark.parametrize(
    ("role", "consequence", "does"),
    [("activating", "missense", True), ("activating", "stop_gained", False), ("loss of function", "frameshift", True),
     ("loss of function", "synonymous", False), ("", "missense&inframe_altering", True)],
)  # fmt: skip
def test_what_fits_a_role(role, consequence, does):
    assert fits(role, consequence) == does
