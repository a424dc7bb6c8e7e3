"""What a command line of Snakemake says that governance has to know, read with Snakemake's own parser."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kimed_spe import software, trees

EXECUTOR = "spe"
# Options of Snakemake that parse the workflow but execute no job; such a call needs the permit and is no run.
PASSIVE = (
    "dryrun", "lint", "report", "reporter", "summary", "detailed_summary", "list_rules", "list_target_rules", "dag",
    "rulegraph", "filegraph", "d3dag", "unlock", "list_input_changes", "list_code_changes", "list_params_changes",
    "containerize", "list_changes", "cleanup_metadata", "delete_all_output", "delete_temp_output", "list_untracked",
    "print_compilation", "conda_list_envs", "conda_cleanup_envs", "config_summary",
)  # fmt: skip
# Options that would go past box, permit or record, and why.
REFUSED = {
    "archive": "--archive copies data sets, unrecorded",
    "generate_unit_tests": "--generate-unit-tests copies data sets, unrecorded",
    "touch": "--touch makes files pass for results of jobs that never ran",
}


class EnclosureError(RuntimeError):
    """The run cannot be enclosed, and therefore does not start."""


@dataclass(frozen=True)
class Call:
    """What a command line of Snakemake says that matters here.

    Attributes
    ----------
    arguments
        All of it, for the second start.
    snakefile, directory
        Absolute.
    passive
        Whether no job can run.
    named
        Folders of profiles, and config files of the present, the working, or the workflow's folder.
    targets
        Rules and files that it asks for.
    crate
        Where the crate of the last run is to be written, if that is all that is asked for.
    """

    arguments: tuple[str, ...]
    snakefile: Path
    directory: Path
    passive: bool
    named: tuple[Path, ...] = field(default=())
    targets: tuple[str, ...] = field(default=())
    crate: Path | None = None


def read_call(arguments: Sequence[str], snakefile: str | None) -> Call:
    """Parse a command line with Snakemake's own parser; `snakefile` is what the profile names.

    Raises
    ------
    EnclosureError
        It names another executor, a working directory by a link, or asks for what no run may do.
    """
    # Snakemake imports executor plugins, and so this module, while it is itself being imported.
    from snakemake.api import resolve_snakefile  # noqa: PLC0415
    from snakemake.cli import get_argument_parser, get_profile_dir  # noqa: PLC0415

    parsed = get_argument_parser().parse_args(list(arguments))
    reasons = [why for name, why in REFUSED.items() if getattr(parsed, name, None)]
    if reasons:
        raise EnclosureError(f"{'; '.join(reasons)}: leave it out")
    if parsed.executor not in (None, EXECUTOR):
        raise EnclosureError(
            f"--executor {parsed.executor} would run jobs without box, permit and record: leave it out"
        )
    if any(method.name == "CONDA" for method in parsed.software_deployment_method or ()):
        software.demand_conda()
    given = Path(parsed.snakefile or snakefile or resolve_snakefile(None)).absolute()
    directory = Path(parsed.directory or ".").absolute()
    if directory != directory.resolve():
        # What is read-only or hidden under one name would be open under the other.
        raise EnclosureError(f"{directory} is reached by a symbolic link: use --directory {directory.resolve()}")
    profiles = [(name, get_profile_dir(name)) for name in parsed.profile or ()]
    configs = [path.absolute() for path in parsed.configfile if path.is_file()]
    places = (Path.cwd(), directory, trees.source_root(given))
    return Call(
        arguments=tuple(with_profiles(arguments, [str(found[1].resolve()) if found else n for n, found in profiles])),
        snakefile=given,
        directory=directory,
        passive=any(getattr(parsed, name, None) for name in PASSIVE),
        named=(
            *(found[0].resolve() for _, found in profiles if found),
            *(path for path in configs if any(below(path.resolve(), place) for place in places)),
        ),
        targets=tuple(sorted(map(str, parsed.targets or ()))),
        crate=Path(parsed.report_spe_crate_path).absolute() if parsed.reporter == "spe-crate" else None,
    )


def with_profiles(arguments: Sequence[str], profiles: Sequence[str]) -> list[str]:
    """The command line with these profiles: inside, the folders in which Snakemake looks for names are not seen."""
    option, kept, words = "--profile", list[str](), iter(arguments)
    for word in words:
        name = word.partition("=")[0]
        if word == "--":
            kept.append(word)
            break
        if len(name) > len("--pr") and option.startswith(name):
            if name == word:
                next(words, None)
        else:
            kept.append(word)
    end = len(kept) - (kept[-1:] == ["--"])
    given = [part for profile in profiles for part in (option, profile)]
    return [*kept[:end], *given, *kept[end:], *words]


def below(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or in it."""
    return path == folder or folder in path.parents
