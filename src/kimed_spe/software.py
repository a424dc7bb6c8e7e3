"""Which folders of the machine hold software, and may therefore be seen (never written) by every job."""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path

from kimed_spe import site

# Dynamic linking, alternatives, fonts, time zone and what language runtimes read; nothing that names people or hosts.
CONFIGURATION = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "mime.types", "magic",
    "ssl/openssl.cnf", "R", "java-17-openjdk", "java-21-openjdk", "perl", "ImageMagick-6", "nsswitch.conf",
)  # fmt: skip
# On merged-/usr systems these are symbolic links, elsewhere folders.
TOP_LEVEL = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


class NoConda(ValueError):
    """Conda environments are asked for where no conda can be used."""


def inside(path: Path, roots: Iterable[Path]) -> bool:
    """Whether `path` is one of `roots` or below one."""
    return any(path == root or root in path.parents for root in roots)


def editable_packages() -> list[Path]:
    """Folders of packages that are installed in place (PEP 660), outside the environment's own folder."""
    found = set()
    for distribution in distributions():
        origin = distribution.read_text("direct_url.json")
        if not origin or not json.loads(origin).get("dir_info", {}).get("editable"):
            continue
        for name in (distribution.read_text("top_level.txt") or "").split():
            spec = importlib.util.find_spec(name)
            for place in (spec.submodule_search_locations or ()) if spec else ():
                found.add(Path(place).resolve())
    return sorted({place.parent if _only(place.parent, found) else place for place in found})


def _only(folder: Path, packages: set[Path]) -> bool:
    """Whether a folder holds these packages and what installing them left: one mount then does for all."""
    return all(entry in packages or entry.suffix == ".egg-info" for entry in folder.iterdir())


def folders(environment: Mapping[str, str] | None = None) -> list[Path]:
    """Read-only folders besides /usr: this Python, its base, packages installed in place, the site's own.

    KIMED_SOFTWARE_PATHS (colon-separated) names the site's own, for example /opt/tools or a shared conda prefix, unless
    the site's file does.

    Raises
    ------
    SiteError
        KIMED_SOFTWARE_PATHS contradicts the site's file.
    """
    environment = os.environ if environment is None else environment
    wanted = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent]
    wanted += editable_packages()
    wanted += site.software_paths(environment)
    conda = shutil.which("conda", path=environment.get("PATH", ""))
    prefixes = [Path(environment["CONDA_PREFIX"])] if environment.get("CONDA_PREFIX") else []
    prefixes += [Path(conda).resolve().parents[1]] if conda else []
    # A variable, or a wrapper in somebody's ~/bin, must not open a folder of data; nor one that the site does not name.
    fixed = site.software_paths(environment) if site.FILE.exists() else None
    wanted += [path for path in prefixes if (path / "conda-meta").is_dir() and (fixed is None or inside(path, fixed))]
    kept: list[Path] = []
    for path in sorted({path.absolute() for path in wanted if path.is_dir()}):
        if path != Path("/") and not inside(path, [Path("/usr"), *kept]):
            kept.append(path)
    return kept


def search_path(roots: Iterable[Path], environment: Mapping[str, str] | None = None) -> str:
    """PATH without folders that a job cannot see, and with the tools of this Python's environment.

    Whoever calls `.venv/bin/snakemake` without activating it means these tools, too.
    """
    environment = os.environ if environment is None else environment
    seen = [Path("/usr"), *(Path("/") / name for name in TOP_LEVEL), *roots]
    parts = [part for part in environment.get("PATH", "").split(":") if part and inside(Path(part), seen)]
    own = str(Path(sys.prefix) / "bin")
    standard = [part for part in ("/usr/local/bin", "/usr/bin", "/bin") if part not in parts]
    return ":".join([*([own] if own not in parts else []), *parts, *standard])


def demand_conda(environment: Mapping[str, str] | None = None) -> None:
    """Make sure that Snakemake finds a conda inside the enclosure; its own message would not say what is missing.

    Raises
    ------
    NoConda
        There is none on PATH, or it is in a folder that jobs do not see.
    """
    environment = os.environ if environment is None else environment
    anywhere = shutil.which("conda", path=environment.get("PATH", ""))
    if not anywhere:
        raise NoConda(
            "software from conda is asked for, but there is no conda on PATH: activate one (its `bin` or `condabin`"
            " must be on PATH), or use the locked host environment (leave out --software-deployment-method, unset"
            " KIMED_SOFTWARE)"
        )
    if not shutil.which("conda", path=search_path(folders(environment), environment)):
        raise NoConda(
            f"{anywhere} is in a folder that jobs do not see: name its prefix in KIMED_SOFTWARE_PATHS or in"
            " `software_paths` of the site's file"
        )
