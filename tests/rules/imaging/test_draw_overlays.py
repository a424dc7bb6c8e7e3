"""One picture per measured sample, the same bytes each time, no software or time in them."""

import draw_overlays
import pytest
from PIL import Image


def run(chain, target):
    draw_overlays.main(
        bids=chain / "bids", conversion=chain / "conversion.tsv", measurements=chain / "measurements.tsv",
        brains=chain / "brains", masks=[chain / "regions"], overlays=target / "overlays", picture=target / "all.png",
        outlines=[],
    )  # fmt: skip


def test_pictures(chain, tmp_path):
    run(chain, tmp_path)
    assert (tmp_path / "all.png").read_bytes() == (chain / "overlays.png").read_bytes()
    picture = Image.open(chain / "overlays/P001_mr.png")
    assert set(picture.info) <= {"dpi"}
    assert picture.convert("L").getextrema() == (0, 255)


def test_nothing_measured(chain, tmp_path):
    (tmp_path / "measurements.tsv").write_text("sample\tpatient_id\tmodality\tregion\tvolume_ml\n")
    with pytest.raises(ValueError, match="nothing was measured"):
        draw_overlays.main(
            bids=chain / "bids", conversion=chain / "conversion.tsv", measurements=tmp_path / "measurements.tsv",
            brains=chain / "brains", masks=[], overlays=tmp_path / "o", picture=tmp_path / "p.png", outlines=[],
        )  # fmt: skip
