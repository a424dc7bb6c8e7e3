"""plot_integration: shows each score and marks the chosen method; only where methods are compared."""

from pathlib import Path

import pandas as pd
import yaml

from kimedlib.figure_style import use_style
from kimedlib.singlecell_analysis_figures import methods_compared

REPOSITORY = Path(__file__).resolve().parents[3]
SCORES = pd.DataFrame(
    {
        "method": ["none", "harmony", "bbknn"], "mixing": [0.01, 0.9, 0.5], "conservation_nmi": [0.95, 0.94, 0.93],
        "conservation_asw": [0.6, 0.6, None], "conservation": [0.95, 0.94, 0.93], "total": [0.574, 0.924, 0.758],
        "chosen": [False, True, False],
    }
)  # fmt: skip


def test_bars_are_the_scores_and_the_chosen_method_is_marked():
    use_style()
    panels = methods_compared(SCORES).axes
    for axes, column in zip(panels, ("mixing", "conservation", "total"), strict=True):
        assert [bar.get_width() for bar in axes.patches] == list(SCORES[column])
        assert [bar.get_facecolor() != (1, 1, 1, 1) for bar in axes.patches] == [False, True, False]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["none", "harmony", "bbknn"]
    assert [label.get_fontweight() for label in panels[0].get_yticklabels()] == ["normal", "bold", "normal"]


def test_same_picture_twice_and_one_where_nothing_was_compared(step, tmp_path):
    for name, table in (("a", SCORES), ("b", SCORES), ("c", SCORES.head(1).assign(total=None))):
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
        step("singlecell/plot_integration").main(scores=tmp_path / f"{name}.tsv", figure=tmp_path / f"{name}.png")
    first, again, none = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first == again != none and none.startswith(b"\x89PNG")


def test_one_method_makes_no_figure(snakemake_run, tmp_path):
    """That several do, the demonstration shows."""
    config = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text())
    config["embedding"]["integration"] = ["harmony"]
    plan = snakemake_run("singlecell", tmp_path, "--dry-run", config=config).stdout
    assert "plot_cells" in plan and "plot_integration" not in plan
