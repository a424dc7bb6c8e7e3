"""Images and regions as NiiVue shows them, packed so that a page needs nothing but itself.

NiiVue (BSD-2-Clause) is the file dist/niivue.umd.js of the npm package @niivue/niivue, kept compressed beside the
template of the page.
"""

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from kimedlib.imaging_pictures import COLOURS, grey_window

VERSION = "0.69.0"
SHA256 = "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"
# Voxels of one image on the page; larger ones are averaged by blocks. About one megabyte each, compressed.
MOST_VOXELS = 2_000_000
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "connect-src data: blob:; worker-src 'none'; base-uri 'none'; form-action 'none'"
)


def reduced(data: NDArray[Any], factor: int, *, labels: bool) -> NDArray[Any]:
    """Every block of `factor` voxels along each axis as one: its mean, or of labels its first voxel past the middle."""
    if factor == 1:
        return data
    if labels:
        middle = factor // 2
        sizes = [size // factor * factor for size in data.shape]
        return data[: sizes[0], : sizes[1], : sizes[2]][middle::factor, middle::factor, middle::factor]
    x, y, z = (size // factor for size in data.shape)
    blocks = data[: x * factor, : y * factor, : z * factor].reshape(x, factor, y, factor, z, factor)
    return np.asarray(blocks.mean(axis=(1, 3, 5)))


def packed(data: NDArray[np.uint8], affine: NDArray[np.float64]) -> str:
    """A NIfTI file, compressed, in base64."""
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm")
    return base64.b64encode(gzip.compress(image.to_bytes(), 9, mtime=0)).decode("ascii")


def entry(
    sample: str, data: NDArray[np.float32], image: nib.Nifti1Image, labels: NDArray[Any], *, names: Mapping[int, str],
    modality: str,
) -> dict[str, Any]:  # fmt: skip
    """What the page holds of one image.

    Parameters
    ----------
    data, labels
        On one right-anterior-superior grid, that of `image`.
    names
        Region by label value.

    Returns
    -------
    dict
        sample, image and labels (base64), names, colours (look-up table of NiiVue).
    """
    factor = 1
    while data.size / factor**3 > MOST_VOXELS:
        factor += 1
    low, high = grey_window(data, modality)
    grey = np.clip((reduced(data, factor, labels=False) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    regions = reduced(labels, factor, labels=True).astype(np.uint8)
    affine = image.affine @ np.diag([factor, factor, factor, 1.0])
    affine[:3, 3] = (image.affine @ [*[(factor - 1) / 2] * 3, 1.0])[:3]  # middle of the first block
    values = sorted(names)
    codes = [COLOURS[(value - 1) % len(COLOURS)] for value in values]
    colours: dict[str, list[Any]] = {
        channel: [0, *(int(code[at : at + 2], 16) for code in codes)] for channel, at in (("R", 1), ("G", 3), ("B", 5))
    }
    colours |= {"A": [0, *[255] * len(values)], "I": [0, *values], "labels": ["", *(names[value] for value in values)]}
    return {
        "sample": sample, "image": packed(grey, affine), "labels": packed(regions, affine),
        "names": [names[value] for value in values], "colours": colours,
    }  # fmt: skip


def page(template: str, library: bytes, licence: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """The page: template with policy, NiiVue and images put in.

    Parameters
    ----------
    template
        HTML with the marks @POLICY@, @VERSION@, @LICENCE@, @LIBRARY@ and @DATA@.
    library
        NiiVue, compressed by gzip.

    Raises
    ------
    ValueError
        The template lacks a mark, or the library is not the file that it should be.
    """
    if hashlib.sha256(gzip.decompress(library)).hexdigest() != SHA256:
        raise ValueError(f"NiiVue is not version {VERSION} as published: take the file from the repository again")
    parts = {
        "@POLICY@": POLICY,
        "@VERSION@": VERSION,
        "@LICENCE@": html.escape(licence),
        "@LIBRARY@": base64.b64encode(library).decode("ascii"),
        # no value can end the script that holds it
        "@DATA@": json.dumps(list(entries), ensure_ascii=True).replace("<", "\\u003c"),
    }
    for mark, content in parts.items():
        if template.count(mark) != 1:
            raise ValueError(f"the template must hold the mark {mark} once")
        template = template.replace(mark, content)
    return template
