"""The instructions of an old processor for a process of its own, to see what depends on the kind of processor."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
# torch, MKL, OpenBLAS, numpy and the C library each choose instructions by what is there, or as they are told.
OLD = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX",
}


def last_line(program: str, *, old: bool, rooms: tuple[str, ...] = ()) -> str:
    """The last line that a program in Python prints; `rooms` are folders of scripts that it may import from."""
    paths = os.pathsep.join(str(SCRIPTS / room) for room in ("", *rooms))
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": paths} | (OLD if old else {}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]
