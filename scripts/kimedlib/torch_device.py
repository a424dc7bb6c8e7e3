"""Where PyTorch computes: on a GPU that the job was given, or on one thread of the processor."""

import torch

# Sums are split by thread count, so results depend on it: keep it fixed. One thread, since several wait for each
# other at every operation: on a busy machine that made a step 30 times slower.
TORCH_THREADS = 1


def device_for(gpus: int, *, required: bool = False) -> torch.device:
    """Select a GPU where the job was given one and torch sees it, else the CPU; which and why goes to the log.

    Parameters
    ----------
    gpus
        Resource `gpu` of the job.
    required
        Resource `gpu_required`: no fallback.

    Raises
    ------
    RuntimeError
        A GPU is required and the job was given none, or torch sees none.
    """
    torch.set_num_threads(TORCH_THREADS)
    seen = gpus > 0 and torch.cuda.is_available()
    # On a GPU some operations of MONAI have no deterministic form.
    torch.use_deterministic_algorithms(mode=not seen)
    if seen:
        print(f"device: GPU {torch.cuda.get_device_name(0)}")
        return torch.device("cuda")
    why = (
        "torch sees none (none is visible, or it is the CPU build: KIMED_TORCH=cuda make setup)"
        if gpus > 0
        else "the job was given none (resource gpu is 0)"
    )
    if required:
        raise RuntimeError(
            f"a GPU is required (resource gpu_required) and {why}: leave profiles/gpu out to use the CPU"
        )
    print(f"device: CPU, since {why}")
    return torch.device("cpu")
