"""What is known of a published run: the workflow's expected results, a crate, or an older certificate."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kimed_spe import canonical, crate_reading, declared, expected, trees
from kimed_spe.crate_reading import Crate
from kimed_spe.crate_record import CrateError
from kimed_spe.declared import PREFIX, DeclarationError, DeclaredOutput
from kimed_spe.judgement import Known
from kimed_spe.signing import Key


class ReferenceProblem(ValueError):
    """What should be known of the published run cannot be relied on; nothing is compared with it."""


@dataclass(frozen=True)
class Reference:
    """What is known of a published run.

    Attributes
    ----------
    kind
        `expected` or `crate`.
    workflow
        Name of the workflow.
    name, sha256
        Of the document that says what was published: a relative path or file name, and its digest.
    declared
        The workflow's results, with comparators and tolerances.
    known
        By path relative to the results' root.
    inputs
        SHA-256 of input files by path relative to the working directory, where known.
    packages
        Versions of the published run, where known.
    targets
        What the run was asked for; none for the workflow's default.
    includes
        Workflows that it chains.
    signed_by
        Ids of trusted keys that signed the document; expected results are part of the signed workflow instead.
    """

    kind: str
    workflow: str
    name: str
    sha256: str | None
    declared: tuple[DeclaredOutput, ...]
    known: Mapping[str, Known]
    inputs: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    signed_by: tuple[str, ...] = ()


def declarations(folder: Path, name: str) -> tuple[DeclaredOutput, ...]:
    """Results of a workflow and of those that it includes.

    Raises
    ------
    DeclarationError
        An outputs.yaml is missing or malformed.
    """
    own = folder / name / "outputs.yaml"
    listed = declared.load(own)
    for other in declared.includes(own):
        listed += declared.load(folder / other / "outputs.yaml")
    return tuple(listed)


def of_workflow(root: Path, name: str, *, needed: bool = True) -> Reference:
    """The expected results of `workflows/<name>` and of the workflows that it includes.

    Parameters
    ----------
    needed
        False where runs are only compared with each other; then there may be none.

    Raises
    ------
    ReferenceProblem
        There are none, or they are damaged or of another version.
    DeclarationError
        As `declarations`.
    """
    folder = root / "workflows"
    names = [name, *declared.includes(folder / name / "outputs.yaml")]
    known: dict[str, Known] = {}
    digests = []
    for part in names:
        if not (needed or (folder / part / "expected" / "expected.json").exists()):
            continue
        try:
            known |= _known(folder / part)
            digests.append(canonical.sha256_file(folder / part / "expected" / "expected.json"))
        except (OSError, ValueError) as error:
            raise ReferenceProblem(f"workflows/{part}/expected: {error}") from error
    whole = None if not digests else digests[0] if len(digests) == 1 else canonical.sha256("".join(digests).encode())
    shown = ", ".join(f"workflows/{part}/expected/expected.json" for part in names)
    return Reference("expected", name, shown, whole, declarations(folder, name), known, includes=tuple(names[1:]))


def _known(folder: Path) -> dict[str, Known]:
    return {
        item.path.removeprefix(PREFIX): Known(item.sha256, item.fingerprint, item.reference)
        for item in expected.read(folder / expected.FOLDER).outputs
    }


@dataclass(frozen=True)
class FromCrate:
    """What a crate gives for a reproduction.

    Attributes
    ----------
    reference
        What is known of its run.
    snakefile
        Relative to the source root.
    code
        Folder with the workflow as the crate has it.
    """

    reference: Reference
    snakefile: Path
    code: Path


def of_crate(path: Path, checkout: Path, keys: list[Key], unpacked: Path) -> FromCrate:
    """A crate's run, and its workflow put together anew.

    Parameters
    ----------
    path
        The crate, a folder or .zip.
    checkout
        Where files of the workflow that do not travel are looked for; their digest must be the crate's.
    keys
        Whose signature on the crate counts.
    unpacked
        Empty folder.

    Raises
    ------
    ReferenceProblem
        The crate was changed, is none, tells of a run that did not finish, or a file of its workflow is nowhere.
    """
    try:
        folder = crate_reading.unpack(path, unpacked / "bag") if path.suffix == ".zip" else path
        crate = crate_reading.open_crate(folder, keys)
    except CrateError as error:
        raise ReferenceProblem(f"{path.name}: {error}") from error
    if not crate.complete:
        raise ReferenceProblem(f"{path.name} tells of a run that did not finish: there is no result to reproduce")
    code = unpacked / "code"
    missing = [name for name, digest in sorted(crate.sources.items()) if not _take(name, digest, crate, checkout, code)]
    if missing:
        told = f"{missing[0]} and {len(missing) - 1} more" if missing[1:] else missing[0]
        raise ReferenceProblem(
            f"files of the workflow neither travel with {path.name} nor are in this checkout: {told}"
        )
    snakefile = Path(crate.snakefile)
    folders, name = code / snakefile.parent.parent, snakefile.parent.name
    try:
        declared_here = declarations(folders, name)
        includes = tuple(declared.includes(folders / name / "outputs.yaml"))
    except DeclarationError as error:
        raise ReferenceProblem(f"{path.name}: its workflow declares no results to compare: {error}") from error
    results = {name.removeprefix(PREFIX): item for name, item in crate.outputs.items() if name.startswith(PREFIX)}
    patterns = [item.pattern() for item in declared_here]
    known = {
        name: Known(item.sha256, item.fingerprint, item.content)
        for name, item in results.items()
        if any(pattern.fullmatch(name) for pattern in patterns)
    }
    inputs = {name: digest for name, digest in crate.inputs.items() if not Path(name).is_absolute()}
    reference = Reference(
        "crate", name, path.name, crate.sha256, declared_here, known, inputs=inputs, targets=crate.targets,
        includes=includes, signed_by=tuple(sorted(crate.signed_by)),
    )  # fmt: skip
    return FromCrate(reference, snakefile, code)


def _take(name: str, digest: str, crate: Crate, checkout: Path, code: Path) -> bool:
    """Copy a file of the workflow from the crate, or the same one from the checkout; whether there was one."""
    for source in (crate.payload / "workflow" / name, checkout / name):
        try:
            found = trees.workflow(source.parent, [source.name], []).files[source.name]
        except trees.TreeProblem:
            continue
        if found == digest:
            (code / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, code / name, follow_symlinks=False)
            return True
    return False
