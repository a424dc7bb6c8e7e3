"""Convolutional filters whose response maps are measured, as IBSI 2 defines them.

Whybra et al., Radiology 2024; 310:e231319. Definitions: IBSI 2 reference manual, arXiv:2006.05470. Arrays are
right-anterior-superior with slices along the last axis, as everywhere here; filters work on axes to the left, back and
top, as the manual does.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

Image = NDArray[np.float64]
Spacing = tuple[float, float, float]
Pooling = Literal["max", "mean"]
# What lies beyond the image, in words of the manual: for scipy.ndimage and for numpy.pad.
BOUNDARIES = {
    "zero": ("constant", "constant"),
    "nearest": ("nearest", "edge"),
    "periodic": ("wrap", "wrap"),
    "mirror": ("reflect", "symmetric"),
}
# Laws, Textured Image Segmentation, 1980: level, edge, spot, wave, ripple; of unit length.
LAWS = {
    "L5": (1, 4, 6, 4, 1), "E5": (-1, -2, 0, 2, 1), "S5": (-1, 0, 2, 0, -1), "W5": (-1, 2, 0, -2, 1),
    "R5": (1, -4, 6, -4, 1), "L3": (1, 2, 1), "E3": (-1, 0, 1), "S3": (-1, 2, -1),
}  # fmt: skip
ROOT3, ROOT10 = math.sqrt(3), math.sqrt(10)
DEEP = math.sqrt(5 + 2 * ROOT10)
# Low-pass filters of Daubechies, Commun Pure Appl Math 1988; 41:909-996, in closed form, and of Haar.
WAVELETS = {
    "haar": np.array([1, 1]) / math.sqrt(2),
    "db2": np.array([1 + ROOT3, 3 + ROOT3, 3 - ROOT3, 1 - ROOT3]) / (4 * math.sqrt(2)),
    "db3": np.array(
        [1 + ROOT10 + DEEP, 5 + ROOT10 + 3 * DEEP, 10 - 2 * ROOT10 + 2 * DEEP, 10 - 2 * ROOT10 - 2 * DEEP,
         5 + ROOT10 - 3 * DEEP, 1 + ROOT10 - DEEP]
    ) / (16 * math.sqrt(2)),
}  # fmt: skip
GABOR_REACH = 6  # standard deviations of the envelope, beyond which it is nothing


@dataclass(frozen=True)
class Filter:
    """A filter and its parameters; those that its kind does not have are not read.

    Attributes
    ----------
    kind
        mean, log (Laplacian of Gaussian), laws, gabor, wavelet (separable, undecimated) or simoncelli (not separable).
    by_slice
        Within slices only; else in three dimensions (gabor: mean over the three planes of the axes).
    boundary
        zero, nearest, periodic or mirror; simoncelli is periodic always.
    size
        Of mean: edge, in voxels.
    sigma_mm
        Of log and gabor: standard deviation of the Gaussian.
    cutoff
        Of log: where the kernel ends, in standard deviations.
    kernels
        Of laws (L5E5E5) and wavelet (LLH): one per axis.
    energy
        Of laws: half the edge, less the middle, of the cube over which absolute responses are averaged; None: none.
    pooling
        Of laws, wavelet and gabor: how responses to all turns by right angles (gabor: by `step_degrees`) become one;
        None: the filter is not turned.
    wavelength_mm, ratio, angle_degrees, step_degrees
        Of gabor: wavelength; how much narrower the Gaussian is along the wavefronts than across them; where it points,
        without pooling; steps between 0 and 360 with it.
    wavelet
        haar, db2 or db3.
    level
        Of wavelet and simoncelli: 1 is the finest.
    """

    kind: Literal["mean", "log", "laws", "gabor", "wavelet", "simoncelli"]
    by_slice: bool
    boundary: Literal["zero", "nearest", "periodic", "mirror"] = "mirror"
    size: int = 5
    sigma_mm: float = 1.0
    cutoff: float = 4.0
    kernels: str = ""
    energy: int | None = None
    pooling: Pooling | None = None
    wavelength_mm: float = 1.0
    ratio: float = 1.0
    angle_degrees: float = 0.0
    step_degrees: float = 45.0
    wavelet: str = "db2"
    level: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be computed.

        Raises
        ------
        ValueError
            Kernels that are unknown or not one per axis, an even edge, steps that do not divide the circle.
        """
        length = {"laws": 2, "wavelet": 1}.get(self.kind)
        if length:
            known = LAWS if self.kind == "laws" else "LH"
            names = [self.kernels[place : place + length] for place in range(0, len(self.kernels), length)]
            if len(names) != len(self.axes) or not all(name in known for name in names):
                raise ValueError(f"kernels '{self.kernels}': give one per axis, {len(self.axes)} of {', '.join(known)}")
        if self.kind == "mean" and self.size % 2 == 0:
            raise ValueError(f"size {self.size}: give an odd number of voxels")
        if (
            self.kind == "gabor"
            and self.pooling
            and not math.isclose(round(360 / self.step_degrees), 360 / self.step_degrees)
        ):
            raise ValueError(f"step_degrees {self.step_degrees:g}: give a step that divides 360")

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes along which the filter works."""
        return (0, 1) if self.by_slice else (0, 1, 2)

    def reach(self, spacing: Spacing) -> int | None:
        """Voxels around a place that decide about its response; None: all of the image."""
        finest = min(spacing[axis] for axis in self.axes)
        if self.kind == "mean":
            return self.size // 2 + 1
        if self.kind == "log":
            return math.ceil(self.cutoff * self.sigma_mm / finest) + 1
        if self.kind == "laws":
            return 3 + (self.energy or 0)
        if self.kind == "gabor":
            return gabor_radius(self, finest) + 1
        if self.kind == "wavelet":
            return int(len(WAVELETS[self.wavelet]) * 2**self.level)
        return None


def convolved(image: Image, kernels: list[Image | None], mode: str) -> Image:
    """Convolution with one kernel per axis; None leaves an axis alone."""
    for axis, kernel in enumerate(kernels):
        if kernel is not None:
            image = ndimage.convolve1d(image, kernel, axis=axis, mode=mode, cval=0.0)
    return image


def turns(count: int) -> list[tuple[tuple[int, ...], tuple[bool, ...]]]:
    """Turns by right angles of two (4) or three axes (24): which axis goes where, and which way round."""
    found = []
    for order in itertools.permutations(range(count)):
        crossings = sum(order[i] > order[j] for i in range(count) for j in range(i + 1, count))
        every = itertools.product((False, True), repeat=count)
        found += [(order, flips) for flips in every if (crossings + sum(flips)) % 2 == 0]  # no mirror images
    return found


def pooled(responses: Iterable[Image], pooling: Pooling) -> Image:
    """Voxel-wise maximum or mean of one response or more, of which one at a time is kept."""
    several = iter(responses)
    total, count = next(several).copy(), 1
    for response in several:
        count += 1
        total = np.maximum(total, response) if pooling == "max" else total + response
    return total if pooling == "max" else total / count


def separable(image: Image, stages: list[list[Image]], said: Filter) -> Image:
    """Convolution with stages of one kernel per axis, turned and pooled where asked for."""
    mode = BOUNDARIES[said.boundary][0]
    count = len(said.axes)

    def response(order: tuple[int, ...], flips: tuple[bool, ...]) -> Image:
        found = image
        for kernels in stages:
            placed: list[Image | None] = [None] * image.ndim
            for axis in range(count):
                kernel = kernels[order[axis]]
                placed[axis] = kernel[::-1] if flips[axis] else kernel
            found = convolved(found, placed, mode)
        return found

    if said.pooling is None:
        return response(tuple(range(count)), (False,) * count)
    return pooled((response(*turn) for turn in turns(count)), said.pooling)


def mean_filter(image: Image, said: Filter) -> Image:
    """Mean over a square or cube (manual 3.1)."""
    sizes = [said.size if axis in said.axes else 1 for axis in range(image.ndim)]
    return np.asarray(ndimage.uniform_filter(image, sizes, mode=BOUNDARIES[said.boundary][0], cval=0.0))


def laplacian_of_gaussian(image: Image, spacing: Spacing, said: Filter) -> Image:
    """Sum of second derivatives of a sampled Gaussian (manual 3.2), in voxels."""
    smooth, curved = [], []
    for axis in said.axes:
        sigma = said.sigma_mm / spacing[axis]
        reach = math.floor(said.cutoff * sigma + 0.5)
        place = np.arange(-reach, reach + 1, dtype=np.float64)
        bell = np.exp(-(place**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
        smooth.append(bell)
        curved.append((place**2 / sigma**4 - 1 / sigma**2) * bell)
    mode = BOUNDARIES[said.boundary][0]
    return sum(
        (
            convolved(image, [curved[axis] if axis == bent else smooth[axis] for axis in said.axes], mode)
            for bent in said.axes
        ),
        np.zeros_like(image),
    )


def laws_filter(image: Image, said: Filter) -> Image:
    """Response to Laws' kernels, and its energy (manual 3.3)."""
    names = [said.kernels[place : place + 2] for place in range(0, len(said.kernels), 2)]
    kernels = [np.array(LAWS[name], dtype=np.float64) / np.linalg.norm(LAWS[name]) for name in names]
    found = separable(image, [kernels], said)
    if said.energy is None:
        return found
    sizes = [2 * said.energy + 1 if axis in said.axes else 1 for axis in range(image.ndim)]
    return np.asarray(ndimage.uniform_filter(np.abs(found), sizes, mode=BOUNDARIES[said.boundary][0], cval=0.0))


def wavelet_filter(image: Image, said: Filter) -> Image:
    """Undecimated separable wavelet (manual 3.5): low-pass along all axes below the level, then `kernels`."""
    low = WAVELETS[said.wavelet][::-1]
    high = low[::-1] * (-1.0) ** np.arange(1, len(low) + 1)
    stages = []
    for level in range(1, said.level + 1):
        wanted = said.kernels if level == said.level else "L" * len(said.axes)
        stages.append([with_holes(low if letter == "L" else high, level) for letter in wanted])
    return separable(image, stages, said)


def with_holes(kernel: Image, level: int) -> Image:
    """Kernel with zeros between its values, as many as the level needs."""
    step = 2 ** (level - 1)
    odd = np.append(kernel, [0.0] * (1 - len(kernel) % 2))  # a middle, around which it can be turned
    spread = np.zeros(step * (len(odd) - 1) + 1)
    spread[::step] = odd
    return spread


def gabor_radius(said: Filter, size_mm: float) -> int:
    """Half the edge of the kernel, less the middle, in voxels."""
    return math.ceil(GABOR_REACH * said.sigma_mm * max(1.0, 1 / said.ratio) / size_mm)


def gabor_plane(image: Image, spacing: Spacing, said: Filter, plane: tuple[int, int]) -> Image:
    """Modulus of the response within one plane of the axes (manual 3.4)."""
    radius = gabor_radius(said, min(spacing[axis] for axis in plane))
    across, along = np.meshgrid(
        *(np.arange(-radius, radius + 1) * spacing[axis] for axis in plane), indexing="ij", sparse=True
    )
    widths = [(radius, radius) if axis in plane else (0, 0) for axis in range(image.ndim)]
    padded = np.pad(image, widths, mode=BOUNDARIES[said.boundary][1])  # type: ignore[call-overload]
    shape = [2 * radius + 1 if axis in plane else 1 for axis in range(image.ndim)]

    def response(degrees: float) -> Image:
        angle = math.radians(degrees)
        first = across * math.cos(angle) + along * math.sin(angle)
        second = -across * math.sin(angle) + along * math.cos(angle)
        bell = np.exp(-(first**2 + said.ratio**2 * second**2) / (2 * said.sigma_mm**2))
        kernel = bell * np.exp(2j * math.pi * first / said.wavelength_mm)
        found = signal.oaconvolve(padded, kernel.reshape(shape), mode="valid", axes=plane)
        return np.asarray(np.abs(found), dtype=np.float64)

    if said.pooling is None:
        return response(said.angle_degrees)
    # opposite directions have the same modulus
    angles = sorted({round(number * said.step_degrees, 9) % 180 for number in range(round(360 / said.step_degrees))})
    return pooled((response(angle) for angle in angles), said.pooling)


def simoncelli(image: Image, said: Filter) -> Image:
    """Isotropic wavelet in the frequency domain (manual 3.6; Portilla, Simoncelli, Int J Comput Vis 2000; 40:49-71)."""
    squares = np.zeros((1,) * image.ndim)
    for axis in said.axes:
        shape = [-1 if other == axis else 1 for other in range(image.ndim)]
        # both ends are the highest frequency: left open by the manual; reference 8.A holds for this grid only
        squares = squares + (np.fft.ifftshift(np.linspace(-1, 1, image.shape[axis])) ** 2).reshape(shape)
    frequency = np.sqrt(squares) * 2 ** (said.level - 1)
    band = (frequency > 0.25) & (frequency <= 1)
    share = np.zeros_like(frequency)
    share[band] = np.cos(math.pi / 2 * np.log2(2 * frequency[band]))
    return np.asarray(np.fft.ifftn(np.fft.fftn(image, axes=said.axes) * share, axes=said.axes).real)


def response_map(image: Image, spacing: Spacing, said: Filter) -> Image:
    """Response of an image to a filter, on the same grid.

    Parameters
    ----------
    image
        Shape (x, y, z), right-anterior-superior.
    spacing
        Edge lengths of a voxel, mm.
    """
    turned = np.ascontiguousarray(image[::-1, ::-1], dtype=np.float64)
    if said.kind == "mean":
        found = mean_filter(turned, said)
    elif said.kind == "log":
        found = laplacian_of_gaussian(turned, spacing, said)
    elif said.kind == "laws":
        found = laws_filter(turned, said)
    elif said.kind == "wavelet":
        found = wavelet_filter(turned, said)
    elif said.kind == "simoncelli":
        found = simoncelli(turned, said)
    else:
        planes = [(0, 1)] if said.by_slice else [(0, 1), (0, 2), (1, 2)]
        found = pooled((gabor_plane(turned, spacing, said, plane) for plane in planes), "mean")
    return np.asarray(found[::-1, ::-1])
