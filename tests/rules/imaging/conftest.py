"""One small patient taken through all imaging steps once, for all tests of these steps."""

import shutil
from pathlib import Path

import cine_steps
import clinic_steps
import imaging_steps
import pandas as pd
import pytest
import write_derivatives


@pytest.fixture(scope="package")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imaging")
    imaging_steps.simulate(folder)
    imaging_steps.convert_and_check(folder)
    imaging_steps.train(folder, folder / "model")
    imaging_steps.measure_and_score(folder)
    return folder


@pytest.fixture(scope="package")
def cines(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The three invented hearts of test_data, sorted, one of them outlined by the network, all measured and drawn."""
    folder = tmp_path_factory.mktemp("cines")
    cine_steps.sort(repository, folder)
    cine_steps.segment(repository, folder, folder / "folds/0", fold=0)
    cine_steps.copy_contours(folder, samples=("C002_cine", "C003_cine"))
    cine_steps.measure(folder)
    cine_steps.draw(folder, folder)
    return folder


@pytest.fixture(scope="package")
def clinic(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Segmentations and reports of the small patient."""
    folder = tmp_path_factory.mktemp("clinic")
    clinic_steps.segment(chain, folder)
    clinic_steps.report(chain, folder / "seg", folder)
    return folder


@pytest.fixture(scope="package")
def derivatives(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Masks and regions of the small patient as BIDS Derivatives."""
    folder = tmp_path_factory.mktemp("bids") / "derivatives"
    (sample,) = pd.read_csv(chain / "brains.tsv", sep="\t")["sample"]
    (folder.parent / "defaced").mkdir()
    shutil.copy(chain / f"brains/{sample}.nii.gz", folder.parent / f"defaced/{sample}.nii.gz")
    write_derivatives.main(
        conversion=chain / "conversion.tsv", brains=chain / "brains", model=[chain / "model/model.json"],
        masks=[chain / "regions"], outlines=[], defaced=[folder.parent / "defaced"], folder=folder,
    )  # fmt: skip
    return folder
