"""Expected results: what a published run of a workflow gave, as digests and, where allowed, small references.

`workflows/<name>/expected/expected.json`:
`{"type": "kimed-expected/1", "workflow": …, "outputs": {"results/…": {"sha256", "size", "comparator", "fingerprint",
"reference"}}}`; `reference` names a file below `expected/` with the content, or is null. Of results about persons
(egress `never`) the content is kept only if whoever writes it states that no person is behind them.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

import kimed_compare
from kimed_compare import ToleranceError, Unreadable
from kimed_spe import canonical, declared, outputs
from kimed_spe.declared import PREFIX, DeclaredOutput

TYPE = "kimed-expected/1"
FILE = "expected.json"
FOLDER = "expected"
LARGEST = 200_000
"""Bytes of a reference; of larger results only digests are kept."""
REFERRED = ("table", "vcf", "image", "text", "html")
"""Comparators that can say more with the content than with its fingerprint, of files that can be small."""
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "workflow", "outputs"],
    "properties": {
        "type": {"const": TYPE},
        "workflow": {"type": "string", "minLength": 1},
        "outputs": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^{PREFIX}"},
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["sha256", "size", "comparator", "fingerprint", "reference"],
                "properties": {
                    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "size": {"type": "integer", "minimum": 0},
                    "comparator": {"type": "string"},
                    "fingerprint": {"type": "string"},
                    "reference": {"type": ["string", "null"], "pattern": "^files/(?!.*\\.\\.)"},
                },
            },
        },
    },
}


class ExpectedError(ValueError):
    """Expected results that cannot be written, or cannot be relied on; names file and field."""


@dataclass(frozen=True)
class ExpectedOutput:
    """What is known of one result.

    Attributes
    ----------
    path
        As in outputs.yaml, with what its `{…}` stands for.
    sha256, size
        Of the file; of a folder, of its manifest and all files.
    fingerprint
        `kimed_compare.fingerprint` under the declared options.
    reference
        The content, if it is kept.
    """

    path: str
    sha256: str
    size: int
    comparator: str
    fingerprint: str
    reference: Path | None


@dataclass(frozen=True)
class Expected:
    """Expected results of a workflow."""

    workflow: str
    outputs: tuple[ExpectedOutput, ...]
    kept: int = field(default=0)
    """Bytes of references."""


def read(folder: Path) -> Expected:
    """Read and prove the expected results in `workflows/<name>/expected`.

    Raises
    ------
    ExpectedError
        Missing, of another version, of another form, or a reference is not the file that it was.
    """
    path = folder / FILE
    try:
        content = canonical.decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ExpectedError(f"{path}: cannot be read: {error}") from error
    version = content.get("type") if isinstance(content, dict) else None
    if version != TYPE:
        raise ExpectedError(f"{path}: is of version {version!r}, this program reads {TYPE}: write it again")
    errors = sorted(jsonschema.Draft202012Validator(SCHEMA).iter_errors(content), key=lambda error: error.json_path)
    if errors:
        raise ExpectedError("\n".join(f"{path}: {error.json_path}: {error.message}" for error in errors))
    found = []
    for name, item in sorted(content["outputs"].items()):
        reference = folder / item["reference"] if item["reference"] else None
        if reference is not None:
            _prove(reference, item["sha256"])
        found.append(
            ExpectedOutput(
                name, item["sha256"], item["size"], item["comparator"], item["fingerprint"], reference,
            )
        )  # fmt: skip
    kept = sum(output.reference.stat().st_size for output in found if output.reference)
    return Expected(content["workflow"], tuple(found), kept)


def _prove(reference: Path, digest: str) -> None:
    try:
        found = canonical.sha256_file(reference)
    except (OSError, ValueError) as error:
        raise ExpectedError(f"{reference}: the reference cannot be read: {error}") from error
    if found != digest:
        raise ExpectedError(f"{reference}: was changed: its SHA-256 is not the one in {FILE}")


def write(workflow: Path, results: Path, *, synthetic: bool = False) -> Expected:
    """Take the results of a finished run as what is expected of the next ones; whole or not at all.

    Parameters
    ----------
    workflow
        Folder with outputs.yaml, below which `expected/` is replaced.
    results
        Root folder of the results.
    synthetic
        States that no person is behind the results: content of egress `never` may be kept, too.

    Raises
    ------
    ExpectedError
        A declared result is not there, or its comparator cannot read it.
    """
    try:
        declarations = declared.load(workflow / "outputs.yaml")
    except declared.DeclarationError as error:
        raise ExpectedError(str(error)) from error
    problems: list[str] = []
    described: dict[str, dict[str, Any]] = {}
    target = workflow / FOLDER
    with tempfile.TemporaryDirectory(prefix=".expected-", dir=workflow) as name:
        folder = Path(name) / FOLDER
        folder.mkdir()
        for declaration in declarations:
            files = declaration.files(results)
            if not files and not declaration.only_if:
                problems.append(f"{declaration.path}: no rule made it: {results} holds nothing of that name")
            for file in files:
                path = PREFIX + file.relative_to(results).as_posix()
                try:
                    described[path] = _describe(declaration, file, folder, path, synthetic=synthetic)
                except (ToleranceError, Unreadable, outputs.UnsafeOutput) as error:
                    problems.append(f"{path}: {error}")
        if problems:
            raise ExpectedError("\n".join(f"{workflow / 'outputs.yaml'}: {line}" for line in problems))
        content = {"type": TYPE, "workflow": workflow.name, "outputs": described}
        (folder / FILE).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        _keep(target, folder)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    return read(target)


def _keep(target: Path, folder: Path) -> None:
    """Other files of the folder (observed spread) stay."""
    if target.is_dir():
        for path in target.iterdir():
            if path.is_file() and path.name != FILE:
                shutil.copy2(path, folder / path.name)


def _describe(declaration: DeclaredOutput, file: Path, folder: Path, path: str, *, synthetic: bool) -> dict[str, Any]:
    outputs.check(file)
    digest = outputs.digest(file)
    reference = None
    allowed = declaration.egress != "never" or synthetic
    if allowed and declaration.comparator in REFERRED and file.is_file() and digest.size <= LARGEST:
        reference = f"files/{path.removeprefix(PREFIX)}"
        (folder / reference).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / reference)
        os.chmod(folder / reference, 0o644)  # noqa: PTH101 - whatever the job's umask was
    return {
        "sha256": digest.sha256,
        "size": digest.size,
        "comparator": declaration.comparator,
        "fingerprint": kimed_compare.fingerprint(declaration.comparator, file, dict(declaration.tolerance)),
        "reference": reference,
    }
