"""A head is accepted with the right volume, other objects are refused."""

import numpy as np
import pytest

from kimedlib.imaging_brain import brain_mask, judge_brain, to_image_grid, to_working_grid
from kimedlib.imaging_phantom import Grid, t1_head

GRID = Grid((48, 56, 28), (4.1, 4.0, 6.0))


def segment(volume):
    work = to_working_grid(volume, GRID.spacing)
    mask = brain_mask(work)
    return mask, judge_brain(work, mask)


@pytest.mark.parametrize("millilitres", [1000.0, 1400.0])
def test_head(millilitres):
    phantom = t1_head(GRID, millilitres, 4, np.random.default_rng(3))
    mask, evidence = segment(phantom.image)
    assert not evidence.against
    assert evidence.layered < 0.7
    found = to_image_grid(mask, GRID.shape).sum() * GRID.voxel_ml
    assert found == pytest.approx(millilitres, rel=0.04)


def melon(random) -> np.ndarray:
    """Rind, dark pulp, bright seeds: as the T1-weighted fruit of the dcm_qa collection."""
    x, y, z = GRID.coordinates()
    radius = np.sqrt((x / 80) ** 2 + (y / 80) ** 2 + (z / 75) ** 2)
    volume = np.where(radius < 1, 80.0, 0.0)
    volume[np.broadcast_to(radius < 0.5, volume.shape)] = 25
    seeds = (radius < 0.5) & (random.random(volume.shape) < 0.1)
    volume[seeds] = 250
    return (volume + random.normal(0, 3, volume.shape)).clip(0).astype(np.float32)


def test_melon_is_refused():
    _, evidence = segment(melon(np.random.default_rng(4)))
    assert evidence.against


def test_uniform_ball_is_refused():
    x, y, z = GRID.coordinates()
    ball = np.where(np.sqrt(x**2 + y**2 + z**2) < 70, 150.0, 0.0) + np.random.default_rng(5).normal(0, 3, GRID.shape)
    _, evidence = segment(ball.clip(0).astype(np.float32))
    assert any("white matter" in reason for reason in evidence.against)


@pytest.mark.parametrize("noise", [1, 8])
@pytest.mark.parametrize("thing", ["orange", "egg", "onion", "cabbage"])
def test_round_things_with_a_bright_core_are_refused(thing: str, noise: float):
    """They have the size of a brain and its contrast between core and rim, but no folds."""
    x, y, z = GRID.coordinates()
    stretch = 1.15 if thing == "egg" else 1.0
    radius = np.sqrt((x / stretch) ** 2 + y**2 + (z * stretch) ** 2)
    inner = {
        "orange": np.where(radius < 50, 180.0, 140.0), "egg": np.where(radius < 48, 190.0, 140.0),
        "onion": np.where(radius < 40, 170.0, 130 + 10 * np.cos(radius / 3)), "cabbage": 150 - radius / 3,
    }[thing]  # fmt: skip
    volume = np.where(radius < 70, inner, 0.0) + np.random.default_rng(6).normal(0, noise, GRID.shape)
    _, evidence = segment(np.abs(volume).astype(np.float32))
    assert any("no folds" in reason for reason in evidence.against)


def test_empty_volume_is_refused():
    _, evidence = segment(np.zeros(GRID.shape, np.float32))
    assert evidence.against
