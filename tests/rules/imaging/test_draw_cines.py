"""Pictures with the images in them, the same bytes each time."""

import cine_steps
from PIL import Image


def test_pictures(cines, tmp_path):
    cine_steps.draw(cines, tmp_path)
    for name in ("curves.png", "montage.png"):
        assert (tmp_path / name).read_bytes() == (cines / name).read_bytes()
        picture = Image.open(cines / name)
        assert set(picture.info) <= {"dpi"}
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
