"""scVI: a model of counts whose latent components leave the batch out, trained by scvi-tools.

scvi-tools may live in another Python than the one that runs the workflow, so a process of its own trains: `fitted`
starts it, `train` is what it does.

References
----------
Lopez et al., Nat Methods 15:1053 (2018), doi:10.1038/s41592-018-0229-2.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

Matrix = NDArray[np.float64]
# -I: neither variables nor the folder of this file, with modules of its own, reach the other Python.
START = "import sys; sys.path.append(sys.argv[1]); from kimedlib.singlecell_scvi import train; train(sys.argv[2])"
# Column of the training curve by its name in scvi-tools.
CURVE = {
    f"{ours}_{part}": f"{theirs}_{part}"
    for ours, theirs in (("elbo", "elbo"), ("reconstruction", "reconstruction_loss"), ("kl", "kl_local"))
    for part in ("train", "validation")
}


def python_of(settings: dict[str, Any]) -> str | None:
    """Path of the Python that `scvi.python` names, or the one that runs this; None where there is none of that name."""
    found = shutil.which(settings["python"]) if settings["python"] else sys.executable
    return os.path.abspath(found) if found else None  # noqa: PTH100 - a link into an environment must stay that link


def train(folder: str) -> None:
    """Train on `counts.npz`, `batches.npy` and `settings.json` of a folder; `latent.npy` and `curve.tsv` are added.

    Runs in the Python that has scvi-tools, on one thread: the number shows in sums, and so in all that follows.
    """
    import anndata as ad
    import scvi

    from kimedlib.torch_device import device_for

    place = Path(folder)
    settings = json.loads((place / "settings.json").read_text(encoding="utf-8"))
    device = device_for(settings["gpus"], required=settings["gpu_required"])
    print(f"scvi-tools {version('scvi-tools')}, torch {version('torch')}")
    scvi.settings.seed = settings["seed"]
    counts = sparse.load_npz(place / "counts.npz")
    obs = pd.DataFrame(
        {"batch": pd.Categorical(np.load(place / "batches.npy"))}, [str(n) for n in range(len(counts.indptr) - 1)]
    )
    data = ad.AnnData(counts, obs)
    scvi.model.SCVI.setup_anndata(data, batch_key="batch")
    model = scvi.model.SCVI(
        data,
        n_latent=settings["latent"],
        n_layers=settings["layers"],
        n_hidden=settings["hidden"],
        gene_likelihood=settings["likelihood"],
    )
    model.train(
        max_epochs=None if settings["epochs"] == "auto" else settings["epochs"],
        batch_size=settings["minibatch"],
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        check_val_every_n_epoch=1,
        enable_progress_bar=False,
        default_root_dir=folder,
    )
    np.save(place / "latent.npy", model.get_latent_representation().astype(np.float64))
    curve = pd.DataFrame(
        {ours: model.history[theirs].iloc[:, 0] for ours, theirs in CURVE.items() if theirs in model.history}
    )
    curve.index = pd.RangeIndex(1, len(curve) + 1, name="epoch")
    curve.astype(np.float64).to_csv(place / "curve.tsv", sep="\t")


def fitted(
    counts: sparse.csr_matrix, batches: NDArray[np.int64], seed: int, settings: dict[str, Any], *,
    gpus: int = 0, gpu_required: bool = False,
) -> tuple[Matrix, pd.DataFrame]:  # fmt: skip
    """Latent components (cells x `latent`) and the loss of each epoch, per cell.

    Parameters
    ----------
    counts
        Cells x genes, raw.
    batches
        Number of each cell's batch.
    settings
        Section `scvi` of the config.
    gpus, gpu_required
        Resources of the job, see `torch_device.device_for`.

    Raises
    ------
    ChildProcessError
        Training failed; what it said is in the log.
    ValueError
        A component is no number: training diverged.
    """
    with tempfile.TemporaryDirectory(prefix="scvi-") as name:
        folder = Path(name)
        sparse.save_npz(folder / "counts.npz", counts, compressed=False)
        np.save(folder / "batches.npy", batches)
        told = settings | {"seed": seed, "gpus": gpus, "gpu_required": gpu_required}
        (folder / "settings.json").write_text(json.dumps(told), encoding="utf-8")
        # Lightning would take a SLURM job's number of tasks for its own; caches and logs go where all is removed.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
        threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
        homes = dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"), name)
        command = [str(python_of(settings)), "-I", "-c", START, str(Path(__file__).parents[1]), name]
        run = subprocess.run(  # noqa: S603 - the Python that the config names, which a permit covers
            command, cwd=name, env=kept | threads | homes, text=True, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        print(run.stdout)
        if run.returncode:
            said = run.stdout.strip().splitlines() or ["nothing"]
            raise ChildProcessError(f"scVI's training ended with status {run.returncode} and said: {said[-1]}")
        latent: Matrix = np.load(folder / "latent.npy")
        curve = pd.read_csv(folder / "curve.tsv", sep="\t")
    if not np.isfinite(latent).all():
        raise ValueError("scVI's training diverged: components are no numbers; change `scvi` in the config")
    return latent, curve
