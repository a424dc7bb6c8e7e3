"""Digital phantoms with known truth: a liver CT with one lesion and a T1-like head.

Shapes are star-shaped surfaces rendered with partial volume: each voxel gets the share of its volume
that lies inside, found on a grid `SUPERSAMPLING` times finer along each axis. Arrays are indexed
(column, row, slice) = patient (left, posterior, superior), as DICOM axial images are stored.
Tissue values: CT in HU and T1 weights in arbitrary units, rounded from textbook ranges (Bushberg et
al., The Essential Physics of Medical Imaging, 4th ed., chapters 10 and 12).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Volume = NDArray[np.float32]
SUPERSAMPLING = 4
PADDING_HU = -1024.0


@dataclass(frozen=True)
class Grid:
    """A voxel grid.

    Attributes
    ----------
    shape
        Columns, rows, slices.
    spacing
        Millimetres along the same axes.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        return float(np.prod(self.spacing)) / 1000.0

    def coordinates(self, factor: int = 1) -> tuple[Volume, Volume, Volume]:
        """Millimetre coordinates about the centre of the grid, open (broadcastable) arrays."""
        axes = [
            (((np.arange(size * factor) + 0.5) / factor - size / 2) * step).astype(np.float32)
            for size, step in zip(self.shape, self.spacing, strict=True)
        ]
        x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
        return x, y, z


def block_mean(fine: Volume, factor: int) -> Volume:
    """Mean over blocks of factor x factor x factor voxels."""
    a, b, c = (size // factor for size in fine.shape)
    blocks = fine.reshape(a, factor, b, factor, c, factor)
    return np.asarray(blocks.mean(axis=(1, 3, 5)), dtype=np.float32)


def star_radius(x: Volume, y: Volume, z: Volume, bumps: NDArray[np.float64]) -> Volume:
    """Relative radius of a bumpy unit sphere towards (x, y, z): 1 plus products of direction cosines.

    `bumps` holds five amplitudes (dimensionless).
    """
    norm = np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)
    u, v, w = x / norm, y / norm, z / norm
    terms = (u * v, v * w, u * w, u * u - v * v, u * (u * u - 3 * v * v))
    radius = sum((np.float32(size) * term for size, term in zip(bumps, terms, strict=True)), np.float32(1.0))
    return np.asarray(radius, dtype=np.float32)


def occupancy(
    grid: Grid, centre: NDArray[np.float64], axes: NDArray[np.float64], bumps: NDArray[np.float64], volume_ml: float
) -> Volume:
    """Share of each voxel inside a bumpy ellipsoid that is scaled to hold `volume_ml` exactly.

    Parameters
    ----------
    centre
        Centre in millimetres about the middle of the grid, shape (3,).
    axes
        Relative half axes, shape (3,).
    volume_ml
        Volume to reach; within 0.1 % unless the shape leaves the grid.

    Raises
    ------
    ValueError
        The shape does not fit into the grid.
    """
    unit = axes / np.prod(axes) ** (1 / 3)
    radius = (3 * volume_ml * 1000 / (4 * np.pi)) ** (1 / 3)
    x, y, z = grid.coordinates(SUPERSAMPLING)
    x, y, z = ((part - np.float32(c)) / np.float32(a) for part, c, a in zip((x, y, z), centre, unit, strict=True))
    distance = np.sqrt(x * x + y * y + z * z) / star_radius(x, y, z, bumps)
    share = np.zeros(grid.shape, dtype=np.float32)
    for _ in range(4):
        share = block_mean((distance < radius).astype(np.float32), SUPERSAMPLING)
        radius *= (volume_ml / (float(share.sum()) * grid.voxel_ml)) ** (1 / 3)
    edges = [share.take(index, axis) for axis in range(3) for index in (0, -1)]
    if any(edge.any() for edge in edges):
        raise ValueError(f"a shape of {volume_ml} ml does not fit into {grid.shape} voxels of {grid.spacing} mm")
    return share


def smooth_field(grid: Grid, correlation_mm: float, random: np.random.Generator) -> Volume:
    """Gaussian random field with zero mean, unit variance and the given correlation length."""
    noise = random.standard_normal(grid.shape)
    sigma = [correlation_mm / step for step in grid.spacing]
    field = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def ellipsoid(grid: Grid, centre: tuple[float, float, float], half_axes: tuple[float, float, float]) -> Volume:
    """Share of each voxel inside an ellipsoid, from its distance to the surface (linear over one voxel)."""
    x, y, z = grid.coordinates()
    scaled = [(part - c) / a for part, c, a in zip((x, y, z), centre, half_axes, strict=True)]
    radius = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2)
    edge = np.mean(grid.spacing) / np.mean(half_axes)
    return np.asarray(np.clip((1 - radius) / edge + 0.5, 0, 1), dtype=np.float32)


@dataclass(frozen=True)
class Phantom:
    """An image and its truth.

    Attributes
    ----------
    image
        Voxel values, HU or arbitrary T1 units.
    share
        Share of each voxel inside the measured structure.
    centre_mm
        Centre of mass of the structure about the middle of the grid, mm.
    texture_sd
        Standard deviation of the planted texture over the structure, without noise; 0 for the head.
    """

    image: Volume
    share: Volume
    centre_mm: tuple[float, float, float]
    texture_sd: float


def blend(image: Volume, share: Volume, value: Volume | float) -> Volume:
    """Put `value` where `share` is 1, mixtures at the edge."""
    return np.asarray(image * (1 - share) + share * np.float32(1) * value, dtype=np.float32)


def centre_of_mass(grid: Grid, share: Volume) -> tuple[float, float, float]:
    """Centre of mass about the middle of the grid, mm."""
    at = ndimage.center_of_mass(share)
    x, y, z = (
        float((index + 0.5 - size / 2) * step) for index, size, step in zip(at, grid.shape, grid.spacing, strict=True)
    )
    return x, y, z


def liver_ct(
    grid: Grid, volume_ml: float, heterogeneity_hu: float, noise_hu: float, random: np.random.Generator
) -> Phantom:
    """Upper-abdomen CT in portal-venous phase: liver with one hypodense lesion, lung, spine, vessels, fat.

    The texture of the lesion is a random field of 3 mm correlation length whose standard deviation over
    the lesion is `heterogeneity_hu`. Outside the reconstruction circle voxels hold `PADDING_HU`.
    """
    image = np.full(grid.shape, -95.0, dtype=np.float32)  # intraperitoneal fat
    half = [size * step / 2 for size, step in zip(grid.shape, grid.spacing, strict=True)]
    muscle = ellipsoid(grid, (0, 0, 0), (half[0] * 1.02, half[1] * 1.02, 400))
    image = blend(image, 1 - muscle, 55.0)
    liver = ellipsoid(grid, (-8, -4, -6), (half[0] * 0.74, half[1] * 0.72, half[2] * 1.75))
    image = blend(image, liver, 115 + 4 * smooth_field(grid, 6, random))
    image = blend(image, ellipsoid(grid, (half[0] * 0.72, -10, half[2] * 1.3), (28, 40, half[2] * 1.1)), -830.0)
    image = blend(image, ellipsoid(grid, (half[0] * 0.28, half[1] * 0.72, 0), (15, 14, 300)), 330.0)
    image = blend(image, ellipsoid(grid, (half[0] * 0.22, half[1] * 0.42, 0), (8, 8, 300)), 165.0)
    for _ in range(3):
        x, y = random.uniform(-0.4, 0.3, 2) * half[0]
        image = blend(image, ellipsoid(grid, (float(x), float(y), 0), (3.5, 3.5, 300)), 170.0)
    radius = (3 * volume_ml * 1000 / (4 * np.pi)) ** (1 / 3)
    room = np.maximum(np.array([half[0] * 0.42, half[1] * 0.42, half[2] - 1.45 * radius - grid.spacing[2]]), 0.0)
    centre = np.array([-8.0, -4.0, 0.0]) + random.uniform(-1, 1, 3) * room * np.array([1, 1, 0.9])
    share = occupancy(grid, centre, random.uniform(0.85, 1.15, 3), random.uniform(-0.12, 0.12, 5), volume_ml)
    texture = smooth_field(grid, 3, random)
    weights = share / share.sum()
    mean = float((weights * texture).sum())
    spread = float(np.sqrt((weights * (texture - mean) ** 2).sum()))
    texture = (texture - mean) / spread * heterogeneity_hu
    image = blend(image, share, 30.0 + texture)
    image += random.normal(0, noise_hu, grid.shape).astype(np.float32)
    x, y, _ = grid.coordinates()
    outside = np.broadcast_to(np.hypot(x / half[0], y / half[1]) > 1, grid.shape)
    image = np.where(outside, np.float32(PADDING_HU), image)
    return Phantom(image, share, centre_of_mass(grid, share), heterogeneity_hu)


def t1_head(grid: Grid, brain_ml: float, noise: float, random: np.random.Generator) -> Phantom:
    """T1-like head: folded cortex, white matter, ventricles, fluid, dark skull, bright scalp, bias field.

    `share` is the brain with its ventricles, without the fluid around it.
    """
    axes = np.array([67.0, 84.0, 64.0])
    bumps = np.array([0.0, 0.01, 0.0, 0.01, 0.0]) * random.uniform(0.5, 1.5)
    centre = np.array([0.0, 0.0, 4.0])
    brain = occupancy(grid, centre, axes, bumps, brain_ml)
    scale = (brain_ml * 1000 / (4 / 3 * np.pi * np.prod(axes))) ** (1 / 3)

    def shell(margin: float) -> Volume:
        a, b, c = (float(axis * scale + margin) for axis in axes)
        return ellipsoid(grid, (0, 0, 4), (a, b, c))

    x, y, z = grid.coordinates()
    neck = (np.hypot(x / 52, (y - 12) / 58) < 1) & (z < -20)
    image = np.zeros(grid.shape, dtype=np.float32)
    image = blend(image, np.maximum(neck.astype(np.float32), shell(18.5)), 205.0)  # scalp, neck
    image = blend(image, shell(13.0), 18.0)  # skull
    image = blend(image, shell(4.0), 58.0)  # cerebrospinal fluid
    image = blend(image, brain, 160.0)  # grey matter
    folds = 4.0 * smooth_field(grid, 5, random)
    depth = (1 - np.sqrt((x / axes[0]) ** 2 + (y / axes[1]) ** 2 + ((z - 4) / axes[2]) ** 2) / scale) * 70 + folds
    image = blend(image, np.clip((depth - 11) / 4 + 0.5, 0, 1).astype(np.float32) * brain, 228.0)  # white matter
    for side in (-1, 1):
        image = blend(image, ellipsoid(grid, (side * 13, 2, 10), (6, 26, 9)), 58.0)  # ventricles
        image = blend(image, ellipsoid(grid, (side * 25, 4, 2), (8, 14, 10)), 165.0)  # deep grey nuclei
    image *= 1 + 0.05 * np.clip(smooth_field(grid, 50, random), -2, 2)
    signal = image + random.normal(0, noise, grid.shape)
    magnitude = np.hypot(signal, random.normal(0, noise, grid.shape))
    inside = np.maximum(shell(20.0) > 0, neck)
    image = np.where(inside, magnitude, 0).astype(np.float32)
    return Phantom(image, brain, centre_of_mass(grid, brain), 0.0)
