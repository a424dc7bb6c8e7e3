"""Which library modules a script uses, and their digest.

Snakemake reruns a job when its script changes but not when a module the script imports does;
the digest in a rule's `params` closes that hole.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path


@cache  # most scripts of a workflow lead to the same modules
def imported_modules(source: Path, package: str = "kimedlib") -> frozenset[str]:
    """Names of the modules of `package` that `source` imports directly, e.g. {"sheet", "atomic"}."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == package:
                names |= {alias.name for alias in node.names}
            elif node.module.startswith(f"{package}."):
                names.add(node.module.removeprefix(f"{package}.").split(".")[0])
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.removeprefix(f"{package}.").split(".")[0]
                for alias in node.names
                if alias.name.startswith(f"{package}.")
            }
    return frozenset(names)


@cache
def library_digest(scripts: Path, step: str) -> str:
    """Digest over all kimedlib modules that `scripts/<step>.py` imports, directly or through another.

    Raises
    ------
    FileNotFoundError
        No such script, or it imports a kimedlib module that does not exist.
    """
    library = scripts / "kimedlib"
    waiting = set(imported_modules(scripts / f"{step}.py"))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= imported_modules(library / f"{name}.py") - seen
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(name.encode() + b"\0" + (library / f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]
