"""Bring reference files into a machine without a network: fetch and pack on one machine, check and unpack on another.

    python -m kimed_hosttools.references prepare  SPEC.yaml BUNDLE.tar     on a connected machine
    python -m kimed_hosttools.references install  BUNDLE.tar FOLDER        on the machine without a network
    python -m kimed_hosttools.references describe MANIFEST.json BUILD ROLE=FILE...   for files that are there already

No rule of a workflow runs this. docs/genomics_references.md tells the form of a specification.
"""

import json
import os
import shutil
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts"))

from kimedlib.atomic import atomic_path
from kimedlib.genomics_manifest import Manifest, describe, file_problems, read_manifest, sha256_of
from kimedlib.problems import InputProblems, Problem, raise_if

MANIFEST = "manifest.json"
SCHEMES = {"https", "http", "file"}
SECONDS = 60  # without an answer
KEYS = {"role", "url", "name", "sha256"}
ROLES = ("reference", "gene_model", "targets", "known_sites", "truth", "index", "other")


def read_specification(path: Path) -> dict[str, Any]:
    """Read and check a specification: `build` (may be left out) and `files`, each with role and url.

    Raises
    ------
    InputProblems
        With everything that is wrong with it.
    """
    file = str(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputProblems([Problem(file, "", error.strerror or str(error), "give a specification")]) from None
    except yaml.YAMLError as error:
        raise InputProblems([Problem(file, "", f"is not YAML: {error}", "correct it")]) from None
    if not isinstance(content, dict) or not isinstance(content.get("files"), list):
        raise InputProblems([Problem(file, "", "has no list `files`", "docs/genomics_references.md shows one")])
    problems: list[Problem] = []
    names: set[str] = set()
    for number, one in enumerate(content["files"]):
        place = f"files[{number}]"
        if not isinstance(one, dict) or {"role", "url"} - one.keys() or one.keys() - KEYS:
            problems.append(Problem(file, place, f"is {one!r}", f"give role and url, perhaps name and sha256: {KEYS}"))
            continue
        address = urllib.parse.urlparse(str(one["url"]))
        one.setdefault("name", Path(urllib.parse.unquote(address.path)).name)
        if one["role"] not in ROLES:
            problems.append(Problem(file, place, f"has the role '{one['role']}'", f"use one of: {', '.join(ROLES)}"))
        if address.scheme not in SCHEMES:
            problems.append(
                Problem(file, place, f"has the address '{one['url']}'", f"use {', '.join(sorted(SCHEMES))}")
            )
        if not plain(one["name"]) or one["name"] in names | {MANIFEST}:
            remedy = "give each file its own plain name"
            problems.append(Problem(file, place, f"is to be called '{one['name']}'", remedy))
        names.add(one["name"])
    raise_if(problems)
    return content


def plain(name: object) -> bool:
    """Whether a name is that of a file in the folder itself."""
    return isinstance(name, str) and name not in {"", ".", ".."} and Path(name).name == name and "\\" not in name


def fetch(url: str, target: Path) -> None:
    """Copy what an address holds into a file.

    Raises
    ------
    OSError
        No answer, or fewer bytes than the server announced.
    """
    # the specification was checked: SCHEMES
    with urllib.request.urlopen(url, timeout=SECONDS) as source, target.open("wb") as sink:  # noqa: S310
        shutil.copyfileobj(source, sink, 1 << 20)
        announced = source.headers.get("Content-Length")
    if announced is not None and target.stat().st_size != int(announced):
        raise OSError(f"{target.stat().st_size} of {announced} bytes arrived")


def prepare(specification: Path, bundle: Path) -> dict[str, Any]:
    """Fetch all files of a specification, check them, and pack them with their manifest into one tar file.

    The same files give the same bytes. Returns the manifest.

    Raises
    ------
    InputProblems
        The specification is wrong, a file cannot be fetched, or is not the one that was meant.
    """
    wanted = read_specification(specification)
    with tempfile.TemporaryDirectory(dir=bundle.resolve().parent, prefix=".bundle-") as work:
        folder, problems = Path(work), []
        for number, one in enumerate(wanted["files"]):
            place = f"files[{number}]"
            print(f"fetching {one['url']}", flush=True)
            try:
                fetch(one["url"], folder / one["name"])
            except (OSError, urllib.error.URLError) as error:
                found = f"{one['url']} cannot be fetched: {error}"
                problems.append(Problem(str(specification), place, found, "correct the address, or try again"))
                continue
            digest = sha256_of(folder / one["name"])
            if "sha256" not in one:
                print(f"  sha256 {digest}: nothing to compare it with; write it into the specification", flush=True)
            elif digest != one["sha256"]:
                found = f"{one['url']} has SHA-256 {digest}, not {one['sha256']}"
                problems.append(Problem(str(specification), place, found, "do not use it before you know why"))
        raise_if(problems)
        entries = [{"path": one["name"], "role": one["role"], "source": one["url"]} for one in wanted["files"]]
        manifest = describe(folder, entries, str(wanted.get("build", "")))
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        with atomic_path(bundle) as temporary, tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as archive:
            for name in [MANIFEST, *sorted(one["path"] for one in entries)]:
                member = tarfile.TarInfo(name)
                member.size = (folder / name).stat().st_size
                with (folder / name).open("rb") as content:
                    archive.addfile(member, content)
    return manifest


def unpack(bundle: Path, folder: Path) -> Manifest:
    """Unpack a bundle and check every byte against its manifest.

    Raises
    ------
    InputProblems
        The bundle is cut off, holds anything but plain files, or files that its manifest does not describe.
    """
    file = str(bundle)
    again = "copy the bundle again, or prepare it anew"
    try:
        with tarfile.open(bundle, "r:") as archive:
            members = archive.getmembers()
            wrong = [one.name for one in members if not (one.isfile() and plain(one.name))]
            raise_if([Problem(file, name, "is no plain file", again) for name in wrong])
            needed = sum(one.size for one in members)
            if needed > (free := shutil.disk_usage(folder).free):
                found = f"needs {needed} bytes, {free} are free at {folder}"
                raise InputProblems([Problem(file, "", found, "make room")])
            for one in members:
                archive.extract(one, folder, filter="data", set_attrs=False)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputProblems([Problem(file, "", f"is no bundle, or is cut off: {error}", again)]) from None
    manifest = read_manifest(folder / MANIFEST)
    listed = {one["path"] for one in manifest.files}
    problems = [Problem(file, name, "has no plain name", again) for name in listed if not plain(name)]
    problems += [
        Problem(file, one.name, "is not in the manifest", again)
        for one in members
        if one.name not in listed | {MANIFEST}
    ]
    raise_if([*problems, *([] if problems else file_problems(manifest))])
    return manifest


def install(bundle: Path, folder: Path) -> Manifest:
    """Unpack a bundle into a folder that appears only when every file in it is right.

    Raises
    ------
    InputProblems
        The folder is there already, or the bundle is not what its manifest says; nothing is left behind then.
    """
    if folder.exists():
        raise InputProblems([Problem(str(folder), "", "exists already", "name a new folder: nothing is overwritten")])
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.resolve().parent, prefix=".installing-"))
    try:
        unpack(bundle, work)
        work.chmod(0o755)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return read_manifest(folder / MANIFEST)


def config_lines(manifest: Manifest) -> list[str]:
    """What to write into the config of the genomics workflow for the files of a manifest."""
    lines = [f"references_manifest: {manifest.path}"]
    for role in ("reference", "gene_model", "targets"):
        lines += [f"{role}: {manifest.path.parent / one['path']}" for one in manifest.files if one["role"] == role][:1]
    return lines


def describe_files(target: Path, build: str, files: Sequence[str]) -> dict[str, Any]:
    """Write the manifest of files that are there, given as ROLE=FILE; paths become relative to the manifest."""
    entries: list[Mapping[str, str]] = []
    for one in files:
        role, _, name = one.partition("=")
        path = Path(name).resolve()
        raise_if(
            [Problem(one, "", "names no file", f"give ROLE=FILE; roles: {', '.join(ROLES)}")] * (not path.is_file())
        )
        entries.append({"path": os.path.relpath(path, target.resolve().parent), "role": role})
    manifest = describe(target.resolve().parent, entries, "" if build == "auto" else build)
    with atomic_path(target) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    read_manifest(target)
    return manifest


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the subcommand named by the first argument; problems go to stderr with exit code 1."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        match given:
            case ["prepare", specification, bundle]:
                manifest = prepare(Path(specification), Path(bundle))
                print(
                    f"{bundle}: {len(manifest['files'])} files, {manifest['build']}, SHA-256 {sha256_of(Path(bundle))}"
                )
            case ["install", bundle, folder]:
                print(
                    "\n".join(
                        ["Checked and installed. For the config:", *config_lines(install(Path(bundle), Path(folder)))]
                    )
                )
            case ["describe", target, build, *files] if files:
                manifest = describe_files(Path(target), build, files)
                print(f"{target}: {len(manifest['files'])} files, {manifest['build']}")
            case _:
                sys.exit(__doc__)
    except (InputProblems, ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
