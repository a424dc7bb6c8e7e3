"""Conda environments that hold exactly what their pin file says, or nothing runs.

Snakemake installs `<name>.linux-64.pin.txt` beside `<name>.yaml` where it finds one. If that fails (an altered digest,
a missing package, a channel that does not answer) it only warns and solves the yaml file instead, so that the run goes
on with other software than was pinned. `demand_pins` makes that an error, and `differences` compares an installed
environment, whoever made it, with its pin file.

Pin files hold full addresses and those differ between sites (a mirror, a folder carried into an air-gapped cluster).
The repository therefore holds `<name>.linux-64.builds.txt`, the same lines relative to the channels' common address,
and `render` writes the pin file from it.
"""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BUILDS = ".linux-64.builds.txt"
PIN = ".linux-64.pin.txt"
EXPLICIT = "@EXPLICIT"
_BUILD = re.compile(r"(?:[\w.-]+/)+[\w.+!-]+(?:\.conda|\.tar\.bz2)#[0-9a-f]{32}(?:[0-9a-f]{32})?")
_CHANNEL = re.compile(r"(https?|file)://\S+")


class EnvironmentProblem(RuntimeError):
    """An environment is not, or cannot be made, what its pin file says."""


def read_builds(path: Path) -> list[str]:
    """Lines `<channel>/<subdir>/<file>#<digest>` of a builds file, in the order of installation.

    Raises
    ------
    EnvironmentProblem
        A line is something else, or there is none; the message names file and line.
    """
    builds = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            if not _BUILD.fullmatch(line):
                raise EnvironmentProblem(
                    f"{path}: line {number}: '{line}' is not <channel>/<subdir>/<name>-<version>-<build>.conda#<md5>"
                )
            builds.append(line)
    if not builds:
        raise EnvironmentProblem(f"{path}: names no package")
    return builds


def render(builds: Path, channel: str) -> Path:
    """Write the pin file that Snakemake and conda read, for channels below the address `channel`.

    Raises
    ------
    EnvironmentProblem
        The builds file is damaged, or `channel` is no address.
    """
    if not _CHANNEL.fullmatch(channel):
        raise EnvironmentProblem(f"channel address '{channel}': give one that starts with https://, http:// or file://")
    lines = [f"{channel.rstrip('/')}/{build}" for build in read_builds(builds)]
    pin = builds.with_name(builds.name.removesuffix(BUILDS) + PIN)
    temporary = pin.with_name(f".{pin.name}.tmp")
    temporary.write_text("\n".join([f"# written by `spe env render` from {builds.name}", EXPLICIT, *lines]) + "\n")
    temporary.replace(pin)
    return pin


def builds_of(explicit: str, channels: Iterable[str]) -> list[str]:
    """Relative lines of what `conda list --explicit --md5` printed.

    Parameters
    ----------
    explicit
        Output of conda.
    channels
        Names of the environment's channels; everything before them is the site's address.

    Raises
    ------
    EnvironmentProblem
        A package comes from another channel or has no digest.
    """
    names = "|".join(re.escape(name) for name in channels)
    found = []
    for line in explicit.splitlines():
        if not line.strip() or line.startswith(("#", "@")):
            continue
        match = re.search(rf"/((?:{names})/[\w-]+/[^/#]+#[0-9a-f]+)$", line)
        if not match or not _BUILD.fullmatch(match[1]):
            raise EnvironmentProblem(f"'{line}' is no package with digest of the channels {names.replace('|', ', ')}")
        found.append(match[1])
    return found


def pinned(pin: str) -> dict[str, str]:
    """Digest by file name of a pin file's packages; an empty digest where a line gives none."""
    lines = [line.strip() for line in pin.splitlines()]
    addresses = [line.partition("#") for line in lines if line and not line.startswith(("#", "@"))]
    return {address.rpartition("/")[2]: digest for address, _, digest in addresses}


def installed(prefix: Path) -> dict[str, set[str]]:
    """Digests (MD5, SHA-256) by file name of the packages in an environment, from `conda-meta/`.

    Raises
    ------
    EnvironmentProblem
        A record cannot be read.
    """
    found = {}
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            name = record.get("fn") or record["url"].rpartition("/")[2]
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise EnvironmentProblem(f"{path} is no package record: {error}") from error
        found[name] = {record[key] for key in ("md5", "sha256") if record.get(key)}
    return found


def differences(pin: str, prefix: Path) -> list[str]:
    """What an environment has that its pin file does not say, and the other way round; an empty list if equal."""
    wanted, there = pinned(pin), installed(prefix)
    found = [f"{name} is missing" for name in wanted if name not in there]
    found += [f"{name} is not in the pin file" for name in there if name not in wanted]
    found += [
        f"{name} has another digest than {digest}"
        for name, digest in wanted.items()
        if digest and name in there and digest not in there[name]
    ]
    return found


def check(environment: Any) -> None:
    """Compare one of Snakemake's environments with its pin file, if it has one.

    Raises
    ------
    EnvironmentProblem
        They differ.
    """
    if environment.is_externally_managed or environment.content_pin is None:
        return
    wrong = differences(environment.content_pin.decode(), Path(environment.address))
    if wrong:
        raise EnvironmentProblem(_message(environment, wrong))


def _message(environment: Any, wrong: list[str]) -> str:
    shown = [*wrong[:5], *([f"and {len(wrong) - 5} more"] if len(wrong) > 5 else [])]
    return (
        f"The environment {environment.address} is not what {environment.pin_file.get_path_or_uri(secret_free=True)}"
        f" says: {'; '.join(shown)}. Nothing runs with other software than was pinned. Mend the pin file or the"
        " channel (the message of conda is above), remove the environment if it is still there, and start again."
    )


def demand_pins() -> None:
    """Make a pin file that cannot be installed an error of this Snakemake process; what was made instead is removed."""
    from snakemake.deployment.conda import Env, get_env_setup_done_flag_file  # noqa: PLC0415 - slow, rarely needed
    from snakemake.exceptions import WorkflowError  # noqa: PLC0415

    original = Env.create
    if getattr(original, "demands_pins", False):
        return

    def create(self: Any, dryrun: bool = False) -> Any:
        prefix, was_there = Path(self.address), Path(self.address).exists()
        # Snakemake keeps a copy of the file that it installed from beside the environment.
        solved = Path(f"{self.address}.yaml")
        if self.content_pin is not None and not was_there and not dryrun:
            solved.unlink(missing_ok=True)
        made = original(self, dryrun)
        if dryrun:
            return made
        try:
            if not was_there and self.content_pin is not None and solved.exists():
                raise EnvironmentProblem(_message(self, ["it could not be installed from it"]))
            check(self)
        except EnvironmentProblem as problem:
            if not was_there:
                shutil.rmtree(prefix, ignore_errors=True)
                for path in (solved, get_env_setup_done_flag_file(prefix)):
                    path.unlink(missing_ok=True)
            raise WorkflowError(str(problem)) from problem
        return made

    create.demands_pins = True  # type: ignore[attr-defined]
    Env.create = create
