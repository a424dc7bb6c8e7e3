"""plot_samples: one page and one row per sample; a sample in quarantine is told apart in both."""

import pandas as pd


def drawn(study, step, folder):
    limits = [study.folder / f"{row['sample']}.limits.tsv" for row in study.sheet]
    pages = [folder / f"{row['sample']}.png" for row in study.sheet]
    tables = list(study.tables)
    # The last sample as `qc_cells` leaves one in quarantine.
    held = pd.read_csv(tables[-1], sep="\t")
    held["removed"] = held["removed"].fillna("quarantined")
    tables[-1] = folder / "held.tsv"
    held.to_csv(tables[-1], sep="\t", index=False)
    step("singlecell/plot_samples").main(
        sheet=study.sheet, tables=tables, limits=limits, summary=folder / "samples.tsv", pages=pages
    )
    return pd.read_csv(folder / "samples.tsv", sep="\t").set_index("sample"), pages


def test_every_sample_has_a_row_and_a_page(study, step, tmp_path, caplog):
    table, pages = drawn(study, step, tmp_path)
    assert list(table.index) == [row["sample"] for row in study.sheet] and all(page.is_file() for page in pages)
    assert table["status"].tolist() == ["used"] * 5 + ["quarantined"]
    assert table.loc["s5", "problem"].endswith("intact cells, 20 are needed") and table.loc["s5", "kept"] == 0
    first = pd.read_csv(study.tables[0], sep="\t")
    kept = first[first["removed"].isna()]
    assert table.loc["s0", "kept"] == len(kept) and table.loc["s0", "median_genes"] == kept["genes"].median()
    reasons = table.loc["s0", ["kept", "doublet", "high_mitochondrial", "low_genes", "low_counts"]]
    assert reasons.sum() == table.loc["s0", "barcodes"] == len(first)
    assert "QUARANTINE: sample s5" in caplog.text


def test_same_pictures_twice(study, step, tmp_path):
    pictures = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pictures.append([page.read_bytes() for page in drawn(study, step, tmp_path / name)[1]])
    assert pictures[0] == pictures[1] and len(set(pictures[0])) == 6
