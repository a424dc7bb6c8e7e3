"""Gates for heads: noise, ghosts, movement and a cut brain are seen, ordinary heads pass."""

from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from kimedlib.imaging_brain import brain_mask, judge_brain, to_working_grid
from kimedlib.imaging_nifti import load_canonical, voxel_sizes
from kimedlib.imaging_phantom import Grid, t1_head
from kimedlib.imaging_qc import check_image, ghosting, head_of, signal_to_noise

GRID = Grid((48, 56, 28), (4.1, 4.0, 6.0))
RANDOM = np.random.default_rng


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    return t1_head(GRID, 1300.0, 1, RANDOM(1)).image


def failed(volume: np.ndarray, grid: Grid = GRID) -> set[str]:
    image = nib.Nifti1Image(volume, np.diag([*grid.spacing, 1.0]))
    found = check_image(
        volume.astype(np.float32), image, modality="MR", task="brain", slice_distance_mm=0, minimum_slices=8
    )
    return {check.name for check in found if not check.passed}


def noisy(volume: np.ndarray, share: float, seed: int = 2) -> np.ndarray:
    """Magnitude of a complex image with normal noise, its SD a share of the head's signal."""
    size = share * np.median(volume[head_of(volume)])
    real, imaginary = (RANDOM(seed + part).normal(0, size, volume.shape) for part in (0, 1))
    return np.hypot(volume + real, imaginary).astype(np.float32)


def moved(volume: np.ndarray, voxels: float) -> np.ndarray:
    """The head stood elsewhere, along the second axis, for a third of the lines of k-space."""
    lines = np.fft.fft(volume, axis=1)
    place = np.fft.fftfreq(volume.shape[1])
    hit = RANDOM(3).random(volume.shape[1]) < 0.33
    lines *= np.where(hit, np.exp(-2j * np.pi * place * voxels), 1)[None, :, None]
    return np.abs(np.fft.ifft(lines, axis=1)).astype(np.float32)


def test_planted_faults(head):
    assert failed(head) == set()
    assert failed(noisy(head, 0.05)) == set()
    assert failed(noisy(head, 0.5)) == {"signal_to_noise"}
    repeated = head + 0.15 * np.roll(head, GRID.shape[1] // 2, axis=1)
    assert failed(repeated) == {"ghosting"}
    assert failed(moved(head, 3)) == {"ghosting"}


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_signal_to_noise_finds_what_was_planted(share):
    flat = np.zeros((40, 40, 20), np.float32)
    flat[8:32, 8:32] = 200
    noise = RANDOM(4).normal(0, share * 200, flat.shape)
    assert signal_to_noise(flat + noise, flat > 0) == pytest.approx(1 / share, rel=0.05)


def test_ghosting_says_how_strong(head):
    where = head_of(head)
    ghost = head + 0.2 * np.roll(head, GRID.shape[1] // 2, axis=1)
    assert 0.1 < ghosting(ghost, where, GRID.spacing) < 0.3
    assert ghosting(head, where, GRID.spacing) < 0.01
    assert ghosting(np.ones((8, 8, 8), np.float32), np.ones((8, 8, 8), bool), (1, 1, 1)) == 0


def test_a_cut_brain_is_refused(head):
    whole = judge_brain(*(work := to_working_grid(head, GRID.spacing), brain_mask(work)))
    assert whole.against == ()
    assert whole.cut == 0
    assert whole.contrast_to_noise > 5
    # without the upper third the field of view ends in the brain
    work = to_working_grid(head[:, :, :18], GRID.spacing)
    cut = judge_brain(work, brain_mask(work))
    assert any("is cut" in reason for reason in cut.against)


def varied(volume: np.ndarray, spacing: tuple[float, float, float], seed: int) -> tuple[np.ndarray, tuple]:
    """The same head turned, stretched, on other voxels, with another coil, gain and noise."""
    random = RANDOM(seed)
    turn = np.eye(3)
    for angle, (one, two) in zip(np.radians(random.uniform(-15, 15, 3)), ((0, 1), (0, 2), (1, 2)), strict=True):
        step = np.eye(3)
        step[[one, two], [one, two]] = np.cos(angle)
        step[one, two], step[two, one] = -np.sin(angle), np.sin(angle)
        turn = turn @ step
    size = random.choice([1.0, 1.5]) * np.array([1, 1, random.choice([1.0, 2.0])])
    matrix = turn @ np.diag(random.uniform(0.92, 1.08, 3)) @ np.diag(size)
    shape = (np.array(volume.shape) / size).astype(int)
    offset = np.array(volume.shape) / 2 - matrix @ (shape / 2)
    made = ndimage.affine_transform(volume, matrix, offset, tuple(shape), order=1)
    ramps = np.meshgrid(*(np.linspace(-1, 1, count) for count in shape), indexing="ij")
    coil = 1 + sum(slope * ramp for slope, ramp in zip(random.normal(0, 0.15, 3), ramps, strict=True))
    made = made * np.clip(coil, 0.4, 1.6) * 10 ** random.uniform(-1, 2)
    return noisy(made, random.choice([0.01, 0.03, 0.06]), seed), tuple(np.array(spacing) * size)


@pytest.mark.slow
def test_none_of_fifty_varied_heads_is_refused():
    # one template, varied: other anatomies, scanners and contrasts are not in it
    package = Path(find_spec("nilearn").origin).parent
    data, image = load_canonical(package / "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    # the template ends with its lowest slice: without a margin a nodding head is truly cut, and rightly refused
    data, spacing = np.pad(data[::2, ::2, ::2], 12), tuple(2 * size for size in voxel_sizes(image))
    refused = []
    for seed in range(50):
        volume, sizes = varied(data, spacing, seed)
        work = to_working_grid(volume, sizes)
        against = judge_brain(work, brain_mask(work)).against
        wrong = failed(volume, Grid(volume.shape, sizes))
        if against or wrong:
            refused.append((seed, against, wrong))
    assert not refused
