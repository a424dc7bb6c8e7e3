"""Training in double precision gives the same network on processors that add up in another order."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kimedlib.imaging_network import WEIGHT_GRID, build_network, kind_of
from kimedlib.imaging_training import augmentation

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
# What an old processor has. torch, MKL, OpenBLAS and numpy each choose instructions by what is there, or as told.
OLD = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
}
TRAINING = """
import numpy as np, torch
from kimedlib.imaging_network import chances, weights_digest
from kimedlib.torch_device import device_for
from kimedlib.imaging_training import trained
label = (np.sqrt(((np.indices((16, 16, 16)) - 8) ** 2).sum(axis=0)) < 5).astype(np.uint8)
noise = np.random.default_rng(2)
images = [(label * 2 + noise.normal(0, 0.2, label.shape)).astype(np.float32) for _ in range(3)]
cases = [{"image": image, "label": label, "spacing": (1, 1, 1)} for image in images]
settings = {
    "label_names": {"1": "ball"}, "patch": [16, 16, 16], "flips": [0], "affine_probability": 0, "channels": 4,
    "strides": [2, 2], "epochs": 2, "batch_size": 1, "learning_rate": 0.01, "validate_every": 2, "seed": 3,
    "amp": False, "refine": "none", "precision": PRECISION,
}
device = device_for(0)
network = trained(cases, [0, 1], [2], settings, device)[0]
shares = chances(network.eval(), images[2], (16, 16, 16), [0], device)
print(weights_digest(network), (shares[1] > 0.5).sum())
"""


def network_of(precision, changed):
    """Digest of the weights, and voxels that the network calls a ball, by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", TRAINING.replace("PRECISION", repr(precision))],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)} | changed, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1].split()


def test_double_precision_is_the_same_on_an_old_processor():
    # In single precision the digests differ where the processor has AVX2.
    here, old = (network_of("double", changed) for changed in ({}, OLD))
    assert here == old
    assert int(here[1]) > 100


def test_weights_are_multiples_of_the_grid():
    network = build_network(4, [2, 2], 1, "double")
    assert kind_of(network) == torch.float64
    assert torch.get_default_dtype() == torch.float32
    for value in network.parameters():
        assert torch.equal(value / WEIGHT_GRID, (value / WEIGHT_GRID).round())
    assert kind_of(build_network(4, [2, 2], 1)) == torch.float32


def test_affine_changes_are_refused():
    settings = {"patch": [8, 8, 8], "flips": [], "affine_probability": 0.1}
    with pytest.raises(ValueError, match="affine_probability 0"):
        augmentation(settings, double=True)
