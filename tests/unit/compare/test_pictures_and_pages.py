"""Pictures, pages, texts and bytes: single changes that must be seen, and changes that mean nothing, which must not."""

import io
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
from compare_cases import Case, both_tests, see_damage
from PIL import Image, PngImagePlugin


def picture(path: Path, change: Callable[[np.ndarray], np.ndarray | None] | None = None, **options) -> Path:
    row, column = np.mgrid[0:96, 0:128]
    pixels = np.stack([row * 2, column, (row + column) % 255], axis=2).astype(np.uint8)
    if change:
        changed = change(pixels)
        pixels = pixels if changed is None else changed
    Image.fromarray(pixels).save(path, **options)
    return path


def page(path: Path, text: str = "ARI 0.998", spaces: str = "\n", dot: int = 9) -> Path:
    pixels = np.full((8, 8, 3), 200, dtype=np.uint8)
    pixels[3, 3] = dot
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    source = b64encode(file.getvalue()).decode()
    path.write_text(
        f"<html>{spaces}<p class='a' id='b'>{text}</p>{spaces}<img src='data:image/png;base64,{source}'></html>"
    )
    return path


def metadata(path: Path) -> Path:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "another one, today")
    return picture(path, pnginfo=info, compress_level=1)


MUTATIONS = {
    "one image region": Case(
        "image", "a.png", picture, lambda p: picture(p, lambda x: x[40:52, 40:52].fill(0)), {"ssim_loss": 0.05}
    ),
    "one pixel": Case("image", "a.png", picture, lambda p: picture(p, lambda x: x[5, 5].fill(255)), {}),
    "size of the picture": Case(
        "image", "a.png", picture, lambda p: picture(p, lambda x: x[:, 1:]), {"ssim_loss": 0.5}
    ),
    "one number of a page": Case("html", "a.html", page, lambda p: page(p, "ARI 0.898"), {}),
    "one pixel of a page's picture": Case("html", "a.html", page, lambda p: page(p, dot=10), {}),
    "one word": Case(
        "text", "a.txt", lambda p: (p.write_text("a\nb c\n"), p)[1], lambda p: (p.write_text("a\nb d\n"), p)[1], {}
    ),
    "one line lost": Case(
        "text", "a.txt", lambda p: (p.write_text("a\nb\n"), p)[1], lambda p: (p.write_text("a\n"), p)[1], {}
    ),
    "one byte": Case("exact", "a", lambda p: (p.write_bytes(b"ab"), p)[1], lambda p: (p.write_bytes(b"ac"), p)[1], {}),
}
BENIGN = {
    "metadata and compression of a picture": Case("image", "a.png", picture, metadata, {}),
    "one shade": Case("image", "a.png", picture, lambda p: picture(p, lambda x: np.clip(x, 1, 255)), {"pixel": 1}),
    "white space of a page": Case("html", "a.html", page, lambda p: page(p, spaces="\n\n   "), {}),
    "ignored time of a page": Case(
        "html", "a.html", lambda p: page(p, "12:30"), lambda p: page(p, "13:31"), {"ignored": [r"\d\d:\d\d"]}
    ),
    "white space of a text": Case(
        "text", "a.txt", lambda p: (p.write_text("a b\n\n"), p)[1], lambda p: (p.write_text("a   b\r\n"), p)[1], {}
    ),
}

test_one_change_is_seen, test_what_means_nothing_is_no_alarm = both_tests(MUTATIONS, BENIGN)


def test_a_truncated_file_is_never_a_pass(tmp_path):
    see_damage("image", (picture)(tmp_path / "a.png"))
