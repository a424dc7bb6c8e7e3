"""Exchanged labels: all of them where they are few, the same statistic as statsmodels, and planted truth."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from kimedlib.singlecell_composition import compare, composition, propeller
from kimedlib.singlecell_design import Design, donor_units, indicator_matrix, relabelings
from kimedlib.singlecell_permutation import condition_statistics, permutation_null

TYPES = [f"t{number}" for number in range(8)]
SHARES = np.array([0.3, 0.15, 0.12, 0.13, 0.17, 0.06, 0.04, 0.03])
DESIGNS = {"paired": Design(("patient_id",)), "batch": Design(("batch",)), "plain": Design(())}


def samples(per_condition: int, paired: bool = False) -> pd.DataFrame:
    names = [f"{condition}{donor}" for condition in "ut" for donor in range(per_condition)]
    frame = pd.DataFrame(index=names)
    frame["patient_id"] = [name[1:] if paired else name for name in names]
    frame["condition"] = [name[0] for name in names]
    return frame.assign(batch=["x", "y"] * per_condition)


def cells(random: np.random.Generator, frame: pd.DataFrame, factor: float) -> pd.DataFrame:
    """150 cells per sample; donors differ, and type t2 is `factor` times as frequent under t."""
    parts = []
    for name, row in frame.iterrows():
        shares = SHARES * np.exp(random.normal(0, 0.25, 8))
        shares[2] *= factor if row["condition"] == "t" else 1
        counts = random.multinomial(150, shares / shares.sum())
        parts.append(pd.DataFrame({"group": name, "cell_type": np.repeat(TYPES, counts)}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("design", "ways"), [("paired", 2**4), ("batch", 6 * 6), ("plain", 70)]
)  # C(4,2) twice; C(8,4)
def test_few_relabelings_are_all_there(design, ways):
    frame = samples(4, paired=design == "paired")
    found = relabelings(frame, DESIGNS[design], "t", 999, 1)
    assert found.shape == (ways, 8) and len(np.unique(found, axis=0)) == ways
    assert (found[0] == (frame["condition"] == "t")).all() and (found.sum(axis=1) == 4).all()


@pytest.mark.parametrize("design", DESIGNS)
def test_statistic_is_that_of_statsmodels(design):
    frame = samples(5, paired=design == "paired")
    values = np.random.default_rng(3).normal(size=(10, 3))
    terms = list(DESIGNS[design].terms)
    base = indicator_matrix(frame, terms) if terms else np.ones((10, 1))
    labels = relabelings(frame, DESIGNS[design], "t", 20, 1)
    found, freedom = condition_statistics(values, base, labels)
    for way in (0, 7):
        for column in range(3):
            model = sm.OLS(values[:, column], np.column_stack([base, labels[way]])).fit()
            assert found[way, column] == pytest.approx(model.tvalues[-1])
            assert freedom == model.df_resid


def rates(seed: int, test, repeats: int) -> tuple[float, float]:
    """Share of p < 0.05 without any difference, and for t2 where it is doubled under t."""
    random, frame = np.random.default_rng(seed), samples(8)
    null, found = [], []
    for _ in range(repeats):
        null.append(test(cells(random, frame, 1), frame).loc[TYPES] < 0.05)
        found.append(test(cells(random, frame, 2), frame).loc["t2"] < 0.05)
    return float(np.mean(null)), float(np.mean(found))


def by_log_ratio(table: pd.DataFrame, frame: pd.DataFrame) -> pd.Series:
    tested = compare(composition(table, TYPES), frame, Design(()), "u", "t")
    return tested.set_index("cell_type")["p_value"]


def test_doubled_type_is_found_and_the_null_keeps_five_percent():
    false, power = rates(7, by_log_ratio, 30)
    # 240 tests: 0.05 and three standard errors.
    assert false < 0.093 and power > 0.9


def test_propeller_agrees():
    pytest.importorskip("scanpro", reason="scanpro comes as source only: pip install --no-deps scanpro==0.4.1")
    false, power = rates(8, lambda table, frame: propeller(table, frame, Design(()), "u", "t"), 10)
    assert false < 0.125 and power > 0.8


def test_permutation_p_is_small_only_for_the_planted_type():
    frame, design = samples(8), Design(())
    table = composition(cells(np.random.default_rng(9), frame, 3), TYPES)
    ratios = table.pivot_table(index="group", columns="cell_type", values="clr").loc[frame.index]
    found = permutation_null(ratios, frame, design, "t", 1)
    assert found["permutation_p"].idxmin() == "t2" and found.loc["t2", "permutation_p"] < 0.01
    assert found["null_rate"].mean() == pytest.approx(0.05, abs=0.02) and (found["relabelings"] > 900).all()


def test_two_libraries_of_a_donor_are_one_unit():
    frame = samples(2).assign(patient_id=["a", "a", "b", "c"])
    assert donor_units(frame).tolist() == ["u0", "u0", "t0", "t1"]
