"""Copy a real image out of an installed package, or take it from the package's own function; checked by digest."""

import gzip
import hashlib
import importlib.util
from pathlib import Path

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to


def package_folder(package: str) -> Path:
    """Folder of an installed package, without importing it.

    Raises
    ------
    FileNotFoundError
        Not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"package {package} is not installed")
    return Path(spec.origin).parent


def mni152_brain_mask() -> bytes:
    """Whole-brain mask of the ICBM 152 template as nilearn defines it, 1 mm, as NIfTI without compression."""
    from nilearn.datasets import load_mni152_brain_mask

    data: bytes = load_mni152_brain_mask(resolution=1).to_bytes()
    return data


def main(*, source: str, sha256: str, target: Path) -> None:
    """Fetch `source`: "<package>/<path in it>", or "nilearn:mni152_brain_mask".

    Parameters
    ----------
    sha256
        Of the file, or of the mask's bytes before compression.
    target
        Where to write; ends in .gz if the mask is to be compressed.

    Raises
    ------
    ValueError
        The content is not the one that the config pins.
    """
    if source == "nilearn:mni152_brain_mask":
        content = mni152_brain_mask()
        written = gzip.compress(content, mtime=0)
    else:
        package, _, path = source.partition("/")
        content = written = (package_folder(package) / path).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if sha256 != digest:
        raise ValueError(f"{source} has sha256 {digest}, the config expects {sha256}: another package version?")
    with atomic_path(target) as temporary:
        temporary.write_bytes(written)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(source=snakemake.params.source, sha256=snakemake.params.sha256, target=Path(snakemake.output.target))
