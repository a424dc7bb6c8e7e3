import pytest

from genomics import plot_scores

HEADER = "sample\tclass\tminimum_quality\ttruths\tfound\twrong\tcalls\trecall\tprecision\n"


def test_the_figure_of_a_run_has_content(genomics_run):
    assert (genomics_run / "figures" / "precision_recall.png").stat().st_size > 5000


def test_the_same_curve_gives_the_same_bytes_and_another_one_others(tmp_path):
    written = []
    for number, recall in enumerate(("1.0", "1.0", "0.5")):
        curves = tmp_path / f"{number}.tsv"
        curves.write_text(HEADER + f"germline\tsnv\t20\t4\t4\t0\t4\t{recall}\t1.0\n")
        plot_scores.main(curves=curves, figure=tmp_path / f"{number}.png")
        written.append((tmp_path / f"{number}.png").read_bytes())
    assert written[0] == written[1] != written[2]


def test_no_calls_are_drawn_as_such(tmp_path):
    (tmp_path / "c.tsv").write_text(HEADER)
    plot_scores.main(curves=tmp_path / "c.tsv", figure=tmp_path / "f.png")
    assert (tmp_path / "f.png").is_file()


def test_a_table_of_something_else_is_an_error(tmp_path):
    (tmp_path / "c.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(KeyError, match="sample"):
        plot_scores.main(curves=tmp_path / "c.tsv", figure=tmp_path / "f.png")
