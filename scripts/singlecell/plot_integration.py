"""Draw how the methods against batch effects compare."""

from pathlib import Path

import pandas as pd

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.singlecell_analysis_figures import methods_compared


def main(*, scores: Path, figure: Path) -> None:
    """Write one PNG of integration_scores.tsv."""
    use_style()
    save_figure(methods_compared(pd.read_csv(scores, sep="\t")), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(scores=Path(snakemake.input.scores), figure=Path(snakemake.output.figure))
