"""UMAP with code that set-up compiled: nothing is compiled again, and the picture is the same."""

import json
import subprocess
import sys

# In processes of their own: numba reads where its code lies when it is imported.
COMPILE = """
import sys
from pathlib import Path
from kimedlib import singlecell_layout as layout, singlecell_threads as threads
layout.COMPILED = threads.COMPILED = Path(sys.argv[1])
layout.compile_beforehand()
"""
DRAW = """
import hashlib, json, sys
from pathlib import Path
import numpy as np
from kimedlib import singlecell_layout as layout, singlecell_threads as threads
from kimedlib.singlecell_embedding import nearest
threads.COMPILED = Path(sys.argv[1])
positions = np.random.default_rng(1).normal(size=(300, 8))
positions[:150] += 4
drawn = layout.umap_layout(positions, nearest(positions, 12), 0.1, "spectral", 3)
from umap import umap_, layouts
used = umap_.smooth_knn_dist, umap_.compute_membership_strengths, layouts._nb_optimize_layout_euclidean_single_epoch
hits, misses = (sum(sum(getattr(one.stats, kind).values()) for one in used) for kind in ("cache_hits", "cache_misses"))
print(json.dumps([hits, misses, hashlib.sha256(drawn.tobytes()).hexdigest()]))
"""


def run(repository, code, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)], check=True, capture_output=True, text=True,
        cwd=repository / "scripts",
    ).stdout  # fmt: skip


def test_what_set_up_compiled_is_used_and_draws_the_same(repository, tmp_path):
    compiled = tmp_path / "environment" / "numba"
    run(repository, COMPILE, compiled)
    before = {path: path.stat().st_mtime_ns for path in compiled.rglob("*")}
    hits, misses, picture = json.loads(run(repository, DRAW, compiled))
    assert (hits, misses) == (3, 0)
    assert {path: path.stat().st_mtime_ns for path in compiled.rglob("*")} == before
    hits, misses, expected = json.loads(run(repository, DRAW, tmp_path / "none"))
    assert (hits, misses) == (0, 3)
    assert picture == expected
