"""What is known of a published run: the workflow's expected results, a crate, or an older certificate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kimed_spe import canonical, declared
from kimed_spe.declared import PREFIX, DeclaredOutput
from kimed_spe.judgement import Known


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
    """

    kind: str
    workflow: str
    name: str
    sha256: str
    declared: tuple[DeclaredOutput, ...]
    known: Mapping[str, Known]
    inputs: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()


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


def of_workflow(root: Path, name: str) -> Reference:
    """The expected results of `workflows/<name>` and of the workflows that it includes.

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
        try:
            known |= _known(folder / part)
            digests.append(canonical.sha256_file(folder / part / "expected" / "expected.json"))
        except (OSError, ValueError) as error:
            raise ReferenceProblem(f"workflows/{part}/expected: {error}") from error
    whole = digests[0] if len(digests) == 1 else canonical.sha256("".join(digests).encode())
    shown = ", ".join(f"workflows/{part}/expected/expected.json" for part in names)
    return Reference("expected", name, shown, whole, declarations(folder, name), known, includes=tuple(names[1:]))


def _known(folder: Path) -> dict[str, Known]:
    content = canonical.decode((folder / "expected" / "expected.json").read_bytes())
    if content.get("type") != "kimed-expected/1":
        raise ReferenceProblem(f"is of version {content.get('type')}; this version of spe reads kimed-expected/1")
    known = {}
    for name, item in content["outputs"].items():
        path = folder / "expected" / item["reference"] if item["reference"] else None
        if path and canonical.sha256_file(path) != item["sha256"]:
            raise ReferenceProblem(f"{path.name} has not the digest that expected.json says")
        known[name.removeprefix(PREFIX)] = Known(item["sha256"], item["fingerprint"], path)
    return known


def of_crate(what: Path, root: Path, permit: Path, unpacked: Path) -> Any:
    raise ReferenceProblem("not yet")
