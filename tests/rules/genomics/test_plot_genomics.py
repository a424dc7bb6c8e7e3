import numpy as np
from matplotlib.image import imread

from genomics import plot_genomics


def test_figures_are_drawn_and_repeatable(genomics_run, tmp_path):
    arguments = {
        "qualities": [genomics_run / "qc" / "samples" / f"P003_{role}.json" for role in ("normal", "tumour")],
        "somatic": [genomics_run / "somatic" / "P003_tumour.vcf.gz"],
        "features": genomics_run / "genomics_features.tsv",
        "driver_genes": ["KMD1"],
    }
    plot_genomics.main(**arguments, coverage=tmp_path / "c.png", variants=tmp_path / "v.png")
    for name, original in (("c.png", "coverage.png"), ("v.png", "variants.png")):
        assert (tmp_path / name).read_bytes() == (genomics_run / "figures" / original).read_bytes()
        assert np.std(imread(tmp_path / name)) > 0.05


def test_a_run_without_tumours_still_has_figures(genomics_run, tmp_path):
    features = tmp_path / "f.tsv"
    features.write_text("patient_id\tdriver_mutated\tsomatic_snv_count\tsomatic_indel_count\nP\t\t\t\n")
    plot_genomics.main(
        qualities=[genomics_run / "qc" / "samples" / "P003_normal.json"], somatic=[], features=features,
        coverage=tmp_path / "c.png", variants=tmp_path / "v.png", driver_genes=[],
    )  # fmt: skip
    assert (tmp_path / "v.png").stat().st_size > 1000
