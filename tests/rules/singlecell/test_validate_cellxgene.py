"""validate_cellxgene: what the validator of the schema says of our file; what the rule makes of its answer."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import anndata as ad
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
RULE = (REPOSITORY / "rules/singlecell/validate_cellxgene.smk").read_text()


@pytest.mark.slow
def test_the_validator_objects_to_made_up_identifiers_only(study, step, tmp_path):
    """They are in no release of the genes; for real ones see docs/benchmarks.md."""
    if shutil.which("cellxgene-schema") is None:
        pytest.skip("cellxgene-schema is not on PATH (it wants an older anndata: an environment of its own)")
    section = yaml.safe_load((REPOSITORY / "config/cellxgene/singlecell.yaml").read_text())["cellxgene"]
    names = ad.read_h5ad(study.folder / "cells.h5ad", backed="r").var_names
    genes = [f"ENSG{number:011d},{name}" for number, name in enumerate(names)]
    (tmp_path / "genes.csv").write_text("\n".join(genes) + "\n")
    step("singlecell/export_cellxgene").main(
        cells=study.folder / "cells.h5ad", markers=str(study.markers), exported=tmp_path / "cells.h5ad",
        section=section | {"genes": str(tmp_path / "genes.csv")},
    )  # fmt: skip
    command = ["cellxgene-schema", "validate", str(tmp_path / "cells.h5ad")]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
    assert "is_valid=False" in said and errors
    assert [line for line in errors if "Could not infer organism from feature ID" not in line] == []


@pytest.mark.parametrize(
    ("said", "status", "accepted"),
    [("is_valid=True", 0, True), ("is_valid=False", 1, False), ("is_valid=False", 0, False)],
)
def test_a_file_that_breaks_the_schema_gives_no_result(tmp_path, said, status, accepted):
    stand_in = tmp_path / "cellxgene-schema"
    stand_in.write_text(f"#!/bin/sh\necho 'INFO: Validation complete with status {said}' >&2\nexit {status}\n")
    stand_in.chmod(0o755)
    command = "".join(re.findall(r'^        "(.*)"$', RULE.split("    shell:")[1], re.MULTILINE))
    for name in ("input.exported", "log", "output.said"):
        command = command.replace(f"{{{name}:q}}", shlex.quote(str(tmp_path / name)))
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run(["bash", "-c", command], env=environment, check=False)
    assert (run.returncode == 0) == accepted == (tmp_path / "output.said").exists()
    assert said in (tmp_path / "log").read_text()
