"""`spe env`: pin files for conda environments, and the environments themselves."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from kimed_spe import environments
from kimed_spe.environments import BUILDS, EnvironmentProblem


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    top = commands.add_parser("env", help="pinned conda environments")
    parsers = top.add_subparsers(required=True, metavar="action")
    parser = parsers.add_parser("solve", help="solve env files with conda (connected machine), write down every build")
    parser.add_argument("files", nargs="+", type=Path, metavar="ENV.yaml")
    parser.add_argument("--again", action="store_true", help="also those whose builds are written down already")
    parser.set_defaults(run=_solve)
    parser = parsers.add_parser("render", help="write pin files from the builds, for the channels of this site")
    parser.add_argument("files", nargs="+", type=Path, metavar="ENV.yaml")
    parser.add_argument("--channel", required=True, help="address that the channels' names are appended to")
    parser.set_defaults(run=_render)
    parser = parsers.add_parser("create", help="make the environments of a workflow; a pin file that fails is an error")
    parser.add_argument("snakemake", nargs=argparse.REMAINDER, help="arguments for snakemake, e.g. -s FILE")
    parser.set_defaults(run=_create)
    parser = parsers.add_parser("verify", help="compare an installed environment with a pin file")
    parser.add_argument("prefix", type=Path)
    parser.add_argument("pin", type=Path)
    parser.set_defaults(run=_verify)


def _builds(file: Path) -> Path:
    if file.suffix not in (".yaml", ".yml"):
        raise EnvironmentProblem(f"{file}: env files end in .yaml")
    return file.with_name(file.stem + BUILDS)


def _solve(options: argparse.Namespace) -> int:
    for file in options.files:
        builds = _builds(file)
        if builds.exists() and not options.again:
            sys.stdout.write(f"{builds}: already there\n")
            continue
        channels = yaml.safe_load(file.read_text(encoding="utf-8"))["channels"]
        with tempfile.TemporaryDirectory(prefix="spe-env-") as folder:
            prefix = str(Path(folder) / "prefix")
            _conda("env", "create", "--quiet", "--file", str(file), "--prefix", prefix)
            listed = _conda("list", "--explicit", "--md5", "--prefix", prefix)
        lines = environments.builds_of(listed, channels)
        builds.write_text(f"# solved from {file.name} by `spe env solve`\n" + "".join(f"{line}\n" for line in lines))
        sys.stdout.write(f"{builds}: {len(lines)} builds\n")
    return 0


def _conda(*arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - conda, found on PATH
            ["conda", *arguments],  # noqa: S607
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise EnvironmentProblem("there is no conda on PATH: install it on this (connected) machine") from error
    if done.returncode:
        raise EnvironmentProblem(f"conda {' '.join(arguments)}:\n{done.stdout}")
    return done.stdout


def _render(options: argparse.Namespace) -> int:
    missing = [str(file) for file in options.files if not _builds(file).exists()]
    for file in options.files:
        if _builds(file).exists():
            sys.stdout.write(f"{environments.render(_builds(file), options.channel)}\n")
    if missing:
        sys.stderr.write(f"no builds are written down for {', '.join(missing)}: `spe env solve` makes them\n")
    return int(bool(missing))


def _create(options: argparse.Namespace) -> int:
    environments.demand_pins()
    from snakemake.cli import main  # noqa: PLC0415 - slow

    arguments = [word for word in options.snakemake if word != "--"]
    # A real exit status: `main` ends the process itself.
    main([*arguments, "--cores", "1", "--software-deployment-method", "conda", "--conda-create-envs-only"])
    return 0


def _verify(options: argparse.Namespace) -> int:
    if not (options.prefix / "conda-meta").is_dir():
        raise EnvironmentProblem(f"{options.prefix} is no conda environment")
    wrong = environments.differences(options.pin.read_text(encoding="utf-8"), options.prefix)
    sys.stdout.write("".join(f"{line}\n" for line in wrong) or "equal\n")
    return int(bool(wrong))
