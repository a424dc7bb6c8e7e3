"""Training in double precision gives the same network on processors that add up in another order."""

import pytest
import torch
from processors import last_line

from kimedlib.imaging_network import WEIGHT_GRID, build_network, kind_of
from kimedlib.imaging_training import augmentation

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


def test_double_precision_is_the_same_on_an_old_processor():
    # In single precision the digests differ where the processor has AVX2.
    program = TRAINING.replace("PRECISION", "'double'")
    here, old = (last_line(program, old=old) for old in (False, True))
    assert here == old
    assert int(here.split()[1]) > 100


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
