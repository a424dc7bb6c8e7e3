"""order_cells: a planted course of differentiation comes back, from the root that the marker names."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from kimedlib.problems import InputProblems
from kimedlib.singlecell_embedding import log_normalised, nearest, principal_components, shared_neighbour_graph

CELLS, GENES = 360, 120


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Three donors along one course: genes switch on or off at times of their own; `START` falls from the beginning.

    `planted` is the true time; 40 cells of type `other` stand apart.
    """
    random = np.random.default_rng(4)
    time = np.sort(random.uniform(0, 1, CELLS))
    turn, sign = random.uniform(0.1, 0.9, GENES), random.choice([-1, 1], GENES)
    rate = 0.5 + 12 / (1 + np.exp(-sign * (time[:, None] - turn) * 9))
    rate[:, 0] = 25 * (1 - time)
    other = np.tile(np.where(np.arange(GENES) % 4 == 1, 30.0, 0.2), (40, 1))
    counts = random.poisson(np.vstack([rate, other]))
    values = log_normalised(sparse.csr_matrix(counts))
    indices, _ = nearest(principal_components(values, 8)[0], 20)
    obs = pd.DataFrame(
        {
            "cell_type": np.where(
                np.arange(CELLS + 40) < CELLS, np.where(np.arange(CELLS + 40) < 180, "early", "late"), "other"
            ),
            "patient_id": [f"p{place % 3}" for place in range(CELLS + 40)],
            "planted": [*time, *[np.nan] * 40],
        },
        index=[f"s_{place}" for place in range(CELLS + 40)],
    )
    obs = obs.assign(sample=obs["patient_id"], barcode=obs.index, condition="c", cluster="0")
    data = ad.AnnData(values.astype(np.float32), obs=obs)
    data.var_names = ["START", *(f"G{place}" for place in range(1, GENES))]
    data.var["highly_variable"] = True
    data.obsp["connectivities"] = shared_neighbour_graph(indices)
    path = tmp_path_factory.mktemp("course") / "cells.h5ad"
    data.write_h5ad(path)
    return path, dict(zip(data.var_names[1:], sign[1:], strict=True))


def run(step, cells, out, **settings):
    step("singlecell/order_cells").main(
        cells=cells, table=out / "p.tsv.gz", trends=out / "g.tsv", figure=out / "f.png",
        settings={"types": [], "root_genes": ["START"]} | settings,
    )  # fmt: skip
    return pd.read_csv(out / "p.tsv.gz", sep="\t"), pd.read_csv(out / "g.tsv", sep="\t")


def test_planted_course_comes_back(course, step, tmp_path):
    cells, signs = course
    found, genes = run(step, cells, tmp_path)
    truth = ad.read_h5ad(cells).obs["planted"].to_numpy()
    inside = ~np.isnan(truth)
    assert stats.spearmanr(found["pseudotime"][inside], truth[inside]).statistic > 0.95
    assert truth[(found["root"] == "yes").to_numpy()].max() < 0.1
    # Cells without a way from the root get no time instead of infinity.
    assert found["pseudotime"][~inside].isna().all() and found["pseudotime"][inside].between(0, 1).all()
    strong = genes[(genes["correlation"].abs() > 0.5) & (genes["gene"] != "START")]
    assert len(strong) > 80 and (np.sign(strong["correlation"]) == strong["gene"].map(signs)).all()
    assert set(genes["donors"]) == {3} and (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"


def test_types_bound_the_course_and_wrong_names_are_refused(course, step, tmp_path):
    found, _ = run(step, course[0], tmp_path, types=["late"])
    assert set(found["cell_type"]) == {"late"}
    with pytest.raises(InputProblems) as error:
        run(step, course[0], tmp_path, types=["absent"], root_genes=["NONE"])
    assert "no cell is called 'absent'" in str(error.value) and "none of NONE was measured" in str(error.value)
    with pytest.raises(InputProblems, match="40 cells are of these types, 50 are needed"):
        run(step, course[0], tmp_path, types=["other"])
