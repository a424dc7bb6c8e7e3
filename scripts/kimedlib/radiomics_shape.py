"""Morphological features of a region, as IBSI defines them (arXiv:1612.07003v11, 3.1).

Left out are the features of oriented bounding boxes and of minimum volume enclosing ellipsoids: there is no consensus
value for them.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.spatial import ConvexHull, QhullError
from skimage.measure import mesh_surface_area

from kimedlib.imaging_radiomics import maximum_diameter, mesh_of, mesh_volume
from kimedlib.radiomics_grid import Region


def ellipsoid_area(a: float, b: float, c: float) -> float:
    """Surface that the manual gives an ellipsoid with semi-axes a >= b >= c > 0: its series to the 20th term.

    The reference values follow from this series, though it is off by some per cent where axes differ much. The terms
    (alpha beta)^n P_n((alpha^2 + beta^2) / (2 alpha beta)) come from Legendre's recursion, so that alpha may be 0.
    """
    alpha2, beta2 = 1 - (b / a) ** 2, 1 - (c / a) ** 2
    half, product = (alpha2 + beta2) / 2, alpha2 * beta2
    previous, term, total = 0.0, 1.0, 0.0
    for order in range(21):
        total += term / (1 - 4 * order**2)
        previous, term = term, ((2 * order + 1) * half * term - order * product * previous) / (order + 1)
    return 4 * math.pi * a * b * total


def autocorrelation(region: Region) -> dict[str, float]:
    """Moran's I (N365) and Geary's C (NPT7), with inverse distances as weights, summed by Fourier transforms."""
    coordinates = np.argwhere(region.inside)
    low, high = coordinates.min(axis=0), coordinates.max(axis=0) + 1
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    inside = region.inside[box]
    count = int(np.count_nonzero(inside))
    mean = region.values.mean()
    centred = np.where(inside, region.image[box] - mean, 0.0)
    spread = float((centred**2).sum())
    if count < 2 or spread == 0:
        return {"morph_moran_i": 0.0, "morph_geary_c": 1.0}
    shape = [fft.next_fast_len(2 * size - 1, real=True) for size in inside.shape]
    axes = [
        np.minimum(np.arange(size), size - np.arange(size)) * edge
        for size, edge in zip(shape, region.spacing, strict=True)
    ]
    distance = np.sqrt(axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2][None, None, :] ** 2)
    distance[0, 0, 0] = np.inf
    kernel = fft.rfftn(1 / distance)

    def weighted(values: NDArray[np.float64]) -> NDArray[np.float64]:
        around = fft.irfftn(fft.rfftn(values, shape) * kernel, shape)
        return np.asarray(around[tuple(slice(0, size) for size in inside.shape)])

    near = weighted(inside.astype(np.float64))
    total = float(near[inside].sum())
    product = float((centred * weighted(centred)).sum())
    squares = 2 * float((centred**2 * near).sum()) - 2 * product
    return {
        "morph_moran_i": count / total * product / spread,
        "morph_geary_c": (count - 1) / (2 * total) * squares / spread,
    }


def morphology(region: Region) -> dict[str, float]:
    """All morphological features under the names of the tables of reference values."""
    vertices, faces = mesh_of(region.shape, region.spacing)
    volume, area = mesh_volume(vertices, faces), float(mesh_surface_area(vertices, faces))
    points = np.argwhere(region.shape) * np.array(region.spacing)
    inner = np.argwhere(region.inside) * np.array(region.spacing)
    values = region.values
    centre = points.mean(axis=0)
    weights = values.sum()
    shift = float(np.linalg.norm(centre - (inner * values[:, None]).sum(axis=0) / weights)) if weights else 0.0
    spread = np.cov(points.T) if len(points) > 1 else np.zeros((3, 3))
    axes = 2 * np.sqrt(np.maximum(np.sort(np.linalg.eigvalsh(spread))[::-1], 0))
    extent = vertices.max(axis=0) - vertices.min(axis=0)
    try:
        hull = ConvexHull(vertices)
        hull_volume, hull_area = float(hull.volume), float(hull.area)
    except QhullError:
        hull_volume, hull_area = volume, area
    x, y, z = extent
    found = {
        "morph_volume": volume,
        "morph_vol_approx": float(len(points)) * float(np.prod(region.spacing)),
        "morph_area_mesh": area,
        "morph_av": area / volume,
        "morph_comp_1": volume / (math.sqrt(math.pi) * area**1.5),
        "morph_comp_2": 36 * math.pi * volume**2 / area**3,
        "morph_sph_dispr": area / (36 * math.pi * volume**2) ** (1 / 3),
        "morph_sphericity": (36 * math.pi * volume**2) ** (1 / 3) / area,
        "morph_asphericity": (area**3 / (36 * math.pi * volume**2)) ** (1 / 3) - 1,
        "morph_com": shift,
        "morph_diam": maximum_diameter(vertices),
        "morph_pca_maj_axis": float(2 * axes[0]),
        "morph_pca_min_axis": float(2 * axes[1]),
        "morph_pca_least_axis": float(2 * axes[2]),
        "morph_pca_elongation": float(axes[1] / axes[0]) if axes[0] else 1.0,
        "morph_pca_flatness": float(axes[2] / axes[0]) if axes[0] else 1.0,
        "morph_vol_dens_aabb": float(volume / (x * y * z)),
        "morph_area_dens_aabb": float(area / (2 * (x * y + x * z + y * z))),
        "morph_vol_dens_conv_hull": volume / hull_volume,
        "morph_area_dens_conv_hull": area / hull_area,
        "morph_integ_int": float(values.mean()) * volume,
    }
    if axes[2] > 0:
        found["morph_vol_dens_aee"] = float(3 * volume / (4 * math.pi * axes[0] * axes[1] * axes[2]))
        found["morph_area_dens_aee"] = area / ellipsoid_area(*(float(axis) for axis in axes))
    return {**found, **autocorrelation(region)}
