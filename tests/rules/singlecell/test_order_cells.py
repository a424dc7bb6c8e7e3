"""order_cells: a planted course of differentiation comes back, from the root that the marker names."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse, stats

from kimedlib.problems import InputProblems
from kimedlib.singlecell_embedding import log_normalised, nearest, principal_components, shared_neighbour_graph
from kimedlib.singlecell_pseudotime import abstracted_graph

CELLS, GENES = 360, 120


def listed(indices):
    """An entry for each neighbour, as `cluster_cells` stores them."""
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])
    return sparse.csr_matrix((np.ones(indices.size, dtype=np.float32), (rows, indices.ravel())), (len(indices),) * 2)


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
    positions = principal_components(values, 8)[0]
    indices, _ = nearest(positions, 20)
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
    data.obsp["connectivities"], data.obsp["distances"] = shared_neighbour_graph(indices), listed(indices)
    data.obsm["X_umap"] = positions[:, :2].astype(np.float32)
    path = tmp_path_factory.mktemp("course") / "cells.h5ad"
    data.write_h5ad(path)
    return path, dict(zip(data.var_names[1:], sign[1:], strict=True))


def run(step, cells, out, **settings):
    step("singlecell/order_cells").main(
        cells=cells, table=out / "p.tsv.gz", trends=out / "g.tsv", links=out / "l.tsv", figure=out / "f.png",
        graph_figure=out / "l.png",
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


def test_graph_of_groups_is_that_of_scanpy(course, step, tmp_path):
    data = ad.read_h5ad(course[0])
    run(step, course[0], tmp_path)
    links = pd.read_csv(tmp_path / "l.tsv", sep="\t").query("grouping == 'cell_type'").set_index(["first", "second"])
    data.uns["neighbors"] = {"connectivities_key": "connectivities", "distances_key": "distances"}
    data.uns["neighbors"]["params"] = {"n_neighbors": 20}
    data.obs["cell_type"] = data.obs["cell_type"].astype("category")
    sc.tl.paga(data, groups="cell_type")
    names, strength = data.obs["cell_type"].cat.categories, data.uns["paga"]["connectivities"].toarray()
    for (first, second), row in links.iterrows():
        expected = strength[names.get_loc(first), names.get_loc(second)]
        assert row["connectivity"] == pytest.approx(expected, rel=1e-5)
    assert links.loc[("early", "late"), "connectivity"] > 0 == links.loc[("early", "other"), "connectivity"]
    assert links["in_tree"].to_dict()[("early", "late")] == "yes" and (links["in_tree"] == "yes").sum() == 1
    assert links.loc[("early", "late"), "pseudotime_first"] < links.loc[("early", "late"), "pseudotime_second"]
    assert links["cells_second"].tolist() == [180, 40, 40]
    assert (tmp_path / "l.png").read_bytes()[:4] == b"\x89PNG"


def test_planted_branching_is_the_spanning_tree():
    """A trunk that parts into two branches of two groups each: neighbours along them are joined, branches are not."""
    random = np.random.default_rng(6)
    along, places, names = (
        random.uniform(0, 1, (5, 120)),
        np.zeros((600, 4)),
        np.repeat([2, 10, 3, 11, 4], 120).astype(str),
    )
    places[:120, 0] = along[0]
    for group, (axis, begin) in enumerate([(1, 0), (1, 1), (2, 0), (2, 1)], start=1):
        inside = slice(120 * group, 120 * (group + 1))
        places[inside, 0], places[inside, axis] = 1, begin + along[group]
    indices, _ = nearest(places + random.normal(0, 0.05, places.shape), 15)
    cells = pd.DataFrame({"cluster": names, "cell_type": names, "pseudotime": places.sum(axis=1)})
    # scanpy sorts CD10 behind CD2.
    both = abstracted_graph(listed(indices), cells.assign(cell_type="CD" + cells["cell_type"]))
    links = both[both["grouping"] == "cluster"]
    by_type = both[both["grouping"] == "cell_type"].assign(first=lambda x: x["first"].str[2:])
    by_type = by_type.assign(second=by_type["second"].str[2:])
    pairs = [frozenset(pair) for pair in zip(links["first"], links["second"], strict=True)]
    tree = {pair for pair, inside in zip(pairs, links["in_tree"], strict=True) if inside == "yes"}
    trunk, left, left_end, right, right_end = "2", "10", "3", "11", "4"
    assert {frozenset((left, left_end)), frozenset((right, right_end))} < tree and len(tree) == 4
    # Both branches begin where the trunk ends, so two of these three links hold them together.
    assert len(tree & {frozenset(pair) for pair in ((trunk, left), (trunk, right), (left, right))}) == 2
    strength = dict(zip(pairs, links["connectivity"], strict=True))
    assert strength[frozenset((left, left_end))] > 5 * strength[frozenset((left_end, right_end))]
    assert strength[frozenset((trunk, left_end))] < 0.1 * strength[frozenset((trunk, left))]
    assert list(dict.fromkeys(links["first"])) == ["2", "3", "4", "10"]
    found = {frozenset((link.first, link.second)): link.connectivity for link in by_type.itertuples()}
    assert found == strength
