"""Two visits of one head through the real workflow: no change where there is none, no face, BIDS without errors."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from nibabel import load


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bids-validator-deno"), reason="bids-validator-deno is not installed: make setup")
def test_visits_defacing_and_validator(repository, tmp_path):
    command = [
        sys.executable, "-m", "snakemake", "-s", "workflows/imaging/Snakefile", "--cores", "1", "--nolock",
        "--configfile", "config/visits/imaging.yaml", "config/deface/imaging.yaml",
        "--config", f"pathvars={{root: {tmp_path}}}", "--", "all", "compare_visits", "deface_heads", "validate_bids",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    results = tmp_path / "imaging"
    changes = pd.read_csv(results / "changes.tsv", sep="\t")
    assert list(changes["change_pct"]) == [0.0]
    issues = pd.read_csv(results / "bids_validation.tsv", sep="\t", keep_default_na=False)
    assert set(issues["severity"]) == {"warning"} and (issues["why"] != "").all()
    for visit, sample in ((1, "P001_first"), (2, "P001_second")):
        name = f"sub-P001/ses-{visit}/anat/sub-P001_ses-{visit}"
        before = np.asarray(load(results / f"bids/{name}_T1w.nii.gz").dataobj)
        assert before.max() > 0
        after = load(results / f"derivatives/{name}_desc-defaced_T1w.nii.gz")
        brain = np.asarray(load(results / f"derivatives/{name}_desc-brain_mask.nii.gz").dataobj) > 0
        assert brain.any() and (np.asarray(after.dataobj)[brain] > 0).mean() > 0.99
        assert (results / f"defaced/{sample}.nii.gz").exists()
    assert "P001_first" in (results / "viewer.html").read_text(encoding="utf-8")
