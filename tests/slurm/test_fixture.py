"""The scheduler that the other tests of this folder rely on is a real one."""

from pathlib import Path

import pytest
from slurm.cluster import Cluster


def test_jobs_run_on_the_nodes_that_they_ask_for(cluster: Cluster, tmp_path: Path):
    for partition, more in (("cpu", []), ("gpu", ["--gres=gpu:1"])):
        script = tmp_path / f"{partition}.sh"
        script.write_text(f'#!/bin/bash\necho "$SLURMD_NODENAME ${{SLURM_GPUS_ON_NODE-0}}" > {script}.txt\n')
        cluster.command("sbatch", "--wait", "-p", partition, *more, "-o", "/dev/null", str(script))
    assert (tmp_path / "cpu.sh.txt").read_text().split()[0] in {"cpu1", "cpu2"}
    assert (tmp_path / "gpu.sh.txt").read_text().split() == ["gpu1", "1"]


def test_a_job_that_asks_for_too_many_gpus_is_refused(cluster: Cluster, tmp_path: Path):
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/bash\ntrue\n")
    with pytest.raises(RuntimeError, match="Requested node configuration is not available"):
        cluster.command("sbatch", "-p", "gpu", "--gres=gpu:3", "-o", "/dev/null", str(script))
    assert cluster.queue() == []
