"""What a run happened in, as far as strangers may know: software, class of hardware, no names of hosts or people."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

VECTOR_UNITS = ("avx512f", "avx2", "avx", "sse4_2", "asimd")
"""From wide to narrow, as /proc/cpuinfo names them: numerical libraries choose their code by the widest."""
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    """Name of a package as PEP 503 compares them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages() -> dict[str, str]:
    """Version of every installed Python package."""
    found = {normal(item.metadata["Name"]): item.version for item in distributions() if item.metadata["Name"]}
    return dict(sorted(found.items()))


def pins(lock: Path) -> dict[str, str]:
    """Versions that a lock file fixes."""
    return {normal(name): version for name, version in _PIN.findall(lock.read_text(encoding="utf-8"))}


def software(kind: str, locks: Mapping[str, str]) -> dict[str, Any]:
    """The software of a run.

    Parameters
    ----------
    kind
        `host` or `conda`.
    locks
        SHA-256 of every lock file of the permit, by relative path.
    """
    return {
        "software": kind, "python": platform.python_version(), "packages": packages(), "locks": dict(locks),
        "system": f"{platform.system()} {' '.join(platform.libc_ver())}".strip(),
    }  # fmt: skip


def differences(reference: Mapping[str, str], here: Mapping[str, str]) -> list[dict[str, str | None]]:
    """Packages whose version is not the reference's; those that only one side has count only if the reference has them.

    A reference made from a lock does not name what a site has besides, which is no difference that anybody promised.
    """
    return [
        {"package": name, "reference": version, "here": here.get(name)}
        for name, version in sorted(reference.items())
        if here.get(name) != version
    ]


def hardware() -> dict[str, Any]:
    """Class of the machine: architecture, processor model, vector unit, rounded memory, whether there is a GPU."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    have = set(flags[1].split()) if flags else set()
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "architecture": platform.machine(),
        "processor": " ".join(model[1].split()) if model else "unknown",
        "vector_unit": next((name for name in VECTOR_UNITS if name in have), "unknown"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib_at_most": 1 << max(0, int(gib - 1e-9)).bit_length(),
        "gpu": any(Path("/dev").glob("nvidia[0-9]*")),
    }


def commit(root: Path, sources: list[str]) -> dict[str, Any]:
    """Commit of a checkout, and whether its sources were changed since; nothing is known outside of git."""
    head = _git(root, "rev-parse", "HEAD")
    if head is None:
        return {"commit": None, "modified": None}
    return {"commit": head.strip(), "modified": bool(_git(root, "status", "--porcelain", "--", *sources))}


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), "-c", "safe.directory=*", *arguments]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - git, arguments made here
    except FileNotFoundError:
        return None
    return run.stdout if run.returncode == 0 else None
