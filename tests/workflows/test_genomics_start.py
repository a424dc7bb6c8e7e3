"""What a start of the genomics workflow costs: imports that nothing needs."""

import re
import subprocess
import sys

import yaml


def test_a_start_imports_no_packages_with_data_frames(repository, tmp_path):
    """They take most of a second, and more where jobs with parameters follow (`leave_out`)."""
    output_root = tmp_path / "pathvars.yaml"
    output_root.write_text(yaml.safe_dump({"pathvars": {"root": str(tmp_path)}}))
    command = [sys.executable, "-X", "importtime", "-m", "snakemake", "-s", "workflows/genomics/Snakefile", "-n"]
    done = subprocess.run(
        [*command, "calls", "--cores", "1", "--configfile", str(output_root)],
        cwd=repository, text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert "align_reads" in done.stdout + done.stderr
    imported = set(re.findall(r"^import time:.*\| +([\w]+)$", done.stderr, re.MULTILINE))
    assert {"snakemake", "yaml"} <= imported
    assert not imported & {"pandas", "polars", "scipy"}
