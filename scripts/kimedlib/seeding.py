"""Random numbers that depend on what is drawn, not on when or in which process."""

import hashlib

import numpy as np


def generator(seed: int, *keys: str) -> np.random.Generator:
    """A generator for one purpose, e.g. `generator(seed, "reads", patient)`.

    The stream is the same however many patients, processes or threads there are.
    """
    text = "\0".join([str(seed), *keys])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
