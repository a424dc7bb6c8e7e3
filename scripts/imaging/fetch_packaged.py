"""Copy a real image out of an installed package, or take it from the package's own function; checked by digest."""

import hashlib
import importlib.util
import shutil
from pathlib import Path

import nibabel as nib

from kimedlib.atomic import atomic_path
from kimedlib.imaging_nifti import save_nifti
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


def mni152_brain_mask() -> nib.Nifti1Image:
    """Whole-brain mask of the ICBM 152 template as nilearn defines it, 1 mm."""
    from nilearn.datasets import load_mni152_brain_mask

    return load_mni152_brain_mask(resolution=1)


def main(*, source: str, sha256: str, target: Path) -> None:
    """Fetch `source`: "<package>/<path in it>", or "nilearn:mni152_brain_mask".

    Raises
    ------
    ValueError
        The content is not the one that the config pins.
    """
    with atomic_path(target) as temporary:
        if source == "nilearn:mni152_brain_mask":
            save_nifti(mni152_brain_mask(), temporary)
        else:
            package, _, path = source.partition("/")
            shutil.copyfile(package_folder(package) / path, temporary)
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
        if sha256 != digest:
            raise ValueError(f"{source} has sha256 {digest}, the config expects {sha256}: another package version?")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(source=snakemake.params.source, sha256=snakemake.params.sha256, target=Path(snakemake.output.target))
