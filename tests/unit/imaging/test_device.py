"""Which device computes, that it is said, and mixed precision.

No GPU is used: `torch.cuda` is pretended where a GPU is chosen, and mixed precision runs in bfloat16 on the CPU.
"""

import copy

import numpy as np
import pytest
import torch

from kimedlib.imaging_network import autocast, build_network, predict, settings_for
from kimedlib.torch_device import device_for

SETTINGS = {
    "patch": [8, 8, 8],
    "batch_size": 1,
    "seed": 1,
    "on_gpu": {"patch": [16, 16, 16], "batch_size": 3, "amp": True},
}


@pytest.fixture
def cuda(monkeypatch):
    """Pretend that torch sees a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _number: "Pretended 9000")


@pytest.fixture(autouse=True)
def restore():
    """Later tests compute deterministically again."""
    yield
    torch.use_deterministic_algorithms(mode=True)


@pytest.fixture
def no_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_gpu_is_used_when_given(cuda, capsys):
    assert device_for(1).type == "cuda"
    assert capsys.readouterr().out == "device: GPU Pretended 9000\n"
    assert device_for(1, required=True).type == "cuda"


def test_gpu_is_left_alone_when_not_given(cuda, capsys):
    assert device_for(0).type == "cpu"
    assert "device: CPU, since the job was given none" in capsys.readouterr().out


def test_fallback_is_said(no_cuda, capsys):
    assert device_for(1).type == "cpu"
    assert "device: CPU, since torch sees none" in capsys.readouterr().out


@pytest.mark.parametrize("gpus", [0, 1])
def test_required_gpu_that_is_missing(no_cuda, gpus):
    with pytest.raises(RuntimeError, match=r"a GPU is required.*leave profiles/gpu out"):
        device_for(gpus, required=True)


def test_settings_of_the_device():
    on_cpu, on_gpu = (settings_for(SETTINGS, torch.device(name)) for name in ("cpu", "cuda"))
    assert on_cpu == {"patch": [8, 8, 8], "batch_size": 1, "seed": 1, "amp": False, "precision": "single"}
    assert on_gpu == {"patch": [16, 16, 16], "batch_size": 3, "seed": 1, "amp": True, "precision": "single"}
    assert not settings_for(SETTINGS | {"precision": "double"}, torch.device("cuda"))["amp"]


def test_mixed_precision_gives_the_same_labels_but_is_in_use():
    torch.manual_seed(0)
    network = build_network(4, [2, 2], 2).eval()
    data = np.random.default_rng(1).normal(size=(24, 20, 16)).astype(np.float32)
    cpu = torch.device("cpu")
    single, mixed = (predict(network, data, (16, 16, 16), [0], cpu, amp=amp) for amp in (False, True))
    assert (single == mixed).mean() > 0.95
    with autocast(cpu, amp=True), torch.inference_mode():
        assert network(torch.zeros(1, 1, 8, 8, 8)).dtype == torch.bfloat16
    with autocast(cpu, amp=False), torch.inference_mode():
        assert network(torch.zeros(1, 1, 8, 8, 8)).dtype == torch.float32


def test_training_in_mixed_precision(chain_free_cases):
    from kimedlib import imaging_training

    settings = chain_free_cases["settings"]
    torch.manual_seed(settings["seed"])
    start = build_network(4, [2, 2], 1)
    losses = {}
    for amp in (False, True):
        network = copy.deepcopy(start)
        rows, _, kept = imaging_training.fit(
            network, chain_free_cases["cases"], chain_free_cases["cases"], settings | {"amp": amp}, torch.device("cpu")
        )
        losses[amp] = [row["loss"] for row in rows]
        assert all(value.dtype == torch.float32 for value in kept.values())
    assert losses[True] != losses[False]
    np.testing.assert_allclose(losses[True], losses[False], rtol=0.05)
    assert losses[True][-1] < losses[True][0]


@pytest.fixture
def chain_free_cases():
    """Two small volumes with a bright ball, and settings for three epochs."""
    import imaging_steps

    grid = np.indices((16, 16, 16)) - 8
    label = (np.sqrt((grid**2).sum(axis=0)) < 5).astype(np.uint8)
    noise = np.random.default_rng(2)
    cases = [
        {"image": (label * 2 + noise.normal(0, 0.2, label.shape)).astype(np.float32), "label": label} for _ in range(2)
    ]
    changed = {"patch": [16, 16, 16], "epochs": 3, "affine_probability": 0.0, "strides": [2, 2]}
    return {"cases": cases, "settings": imaging_steps.NETWORK | changed}
