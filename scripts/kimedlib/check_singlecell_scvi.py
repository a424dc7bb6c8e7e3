"""Whether scVI can be trained, as far as it can be known before a job starts."""

import logging
import subprocess
from typing import Any

import pandas as pd

from kimedlib.problems import Problem
from kimedlib.singlecell_scvi import python_of

# Found without importing it, which takes seconds.
LOOK = "from importlib.metadata import version; version('scvi-tools')"


def tool_problems(settings: dict[str, Any]) -> list[Problem]:
    """A Python that is not there or lacks scvi-tools; `settings` is section `scvi` of the config."""
    python = python_of(settings)
    if python is None:
        found = f"'{settings['python']}' is no programme"
        return [Problem("config", "key scvi.python", found, "give the path of a Python that has scvi-tools")]
    look = [python, "-I", "-c", LOOK]
    if subprocess.run(look, capture_output=True, check=False).returncode == 0:  # noqa: S603 - of the config, as its job
        return []
    remedy = (
        "install it into an environment of its own (pip install scvi-tools) and name its Python as `scvi.python`, run "
        "with --software-deployment-method conda, or leave scvi out"
    )
    return [Problem("config", "key embedding.integration", f"scvi needs scvi-tools, which {python} lacks", remedy)]


def scvi_problems(settings: dict[str, Any], frame: pd.DataFrame, conda: bool) -> list[Problem]:
    """What keeps `embedding.integration` with scvi from running; one batch is only said.

    Parameters
    ----------
    settings
        The whole config.
    frame
        The sheet, one row per sample.
    conda
        Whether scvi-tools comes from conda; a Python that the config names is looked at all the same.
    """
    embedding, problems = settings["embedding"], []
    if "scvi" not in embedding["integration"]:
        return []
    if settings["input"]["state"] != "counts":
        remedy = "leave scvi out, or give raw counts"
        problems.append(Problem("config", "key embedding.integration", "scvi needs raw counts", remedy))
    if "scvi" not in settings:
        remedy = "add it; config/scvi/singlecell.yaml has the defaults of scvi-tools"
        return [
            *problems,
            Problem("config", "section scvi", "is missing, but embedding.integration names scvi", remedy),
        ]
    if settings["scvi"]["python"] or not conda:
        problems += tool_problems(settings["scvi"])
    if frame[embedding["batch"]].nunique() < 2:
        logging.getLogger("snakemake.logging").warning(
            f"all samples are one batch (column {embedding['batch']}): scVI will not be trained"
        )
    return problems
