"""What is refused before any job runs, and the translation of Snakemake's jobs into plans for boxes.

Everything listed here would execute outside of a job's box, or write where no box can follow. See
docs/spe/threat-model.md for the table of what is refused, what is boxed, and what only the enclosure holds.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from snakemake.common.configfile import load_configfile
from snakemake.io import is_flagged
from snakemake.settings.types import DeploymentMethod
from snakemake.sourcecache import SourceFile
from snakemake.utils import format as format_text
from snakemake.wrapper import get_script
from snakemake_interface_executor_plugins.settings import ExecMode

from kimed_spe import canonical, software
from kimed_spe.jobs import Plan
from kimed_spe.register import SECRET_NAME

LONGEST_PARAMETER = 200
"""Characters of a parameter's value that the register keeps as they are."""


def refusals(workflow: Any, rules: Iterable[Any]) -> list[str]:
    """Reasons not to start, each with a remedy; an empty list allows the start."""
    found = [*_settings(workflow), *_sources(workflow)]
    for rule in rules:
        found += rule_refusals(rule)
    return found


def _settings(workflow: Any) -> Iterator[str]:
    if workflow.workflow_settings.cache is not None:
        yield "--cache shares results between workflows past their permits: leave it out"
    if workflow.execution_settings.edit_notebook:
        yield "--edit-notebook opens a server that jobs of the SPE have no network for: edit outside"
    if workflow.execution_settings.debug:
        yield "--debug gives jobs a terminal: leave it out"
    if workflow.storage_settings.default_storage_provider:
        yield "--default-storage-provider moves files over the network: data sets come with the permit"
    for method, remedy in (
        (DeploymentMethod.APPTAINER, "containers cannot be nested in a job's box: use conda or host software"),
        (DeploymentMethod.ENV_MODULES, "environment modules are not part of a job's box: use conda or host software"),
    ):
        if method in workflow.deployment_settings.deployment_method:
            yield f"--software-deployment-method {method.name.lower()}: {remedy}"


def _sources(workflow: Any) -> Iterator[str]:
    for source in workflow.included:
        name = source.get_path_or_uri(secret_free=True)
        if _is_remote(name):
            yield f"{name}: workflow files must be local, since their digest is part of the permit: vendor the module"


def rule_refusals(rule: Any) -> list[str]:
    """Reasons why a rule cannot run in boxes."""
    return list(_rule(rule))


def _rule(rule: Any) -> Iterator[str]:
    if rule.is_run and not rule.norun:
        yield f"rule {rule.name}: `run:` executes inside Snakemake, outside of any box: use `script:` or `shell:`"
    if rule.is_template_engine:
        yield f"rule {rule.name}: `template_engine:` executes inside Snakemake, outside of any box: use `script:`"
    if rule.is_cwl:
        yield f"rule {rule.name}: `cwl:` starts a runner of its own: translate it to a rule"
    for name in (rule.script, rule.wrapper, rule.notebook):
        text = str(name) if name else ""
        remote_wrapper = name is rule.wrapper and name and not text.startswith(("file:", "/"))
        if remote_wrapper and not _is_local_prefix(rule.workflow):
            yield f"rule {rule.name}: wrapper {text} is fetched from the network: vendor it (`file:`, --wrapper-prefix)"
        elif _is_remote(text):
            yield f"rule {rule.name}: {text} is fetched from the network: vendor it"
    for file in (*rule.input, *rule.output, *rule.log):
        if is_flagged(file, "storage_object"):
            yield f"rule {rule.name}: {file} is in remote storage: data sets come with the permit"
        if is_flagged(file, "service"):
            yield f"rule {rule.name}: service() shares a live process between boxes: start it in the rule that uses it"


def _is_local_prefix(workflow: Any) -> bool:
    prefix = workflow.workflow_settings.wrapper_prefix or ""
    return prefix.startswith(("file:", "/"))


def _is_remote(name: str) -> bool:
    return ("://" in name and not name.startswith("file://")) or name.startswith("git+")


def facts(workflow: Any, jobs: Iterable[Any], *, whole: bool) -> dict[str, Any]:
    """What the gate compares with the permit, of a whole run or of some of its jobs."""
    jobs = list(jobs)
    copies = Path(workflow.sourcecache.runtime_cache_path) / "file"
    inputs = {str(_original(_absolute(file), copies)) for job in jobs for file in job.input}
    found: dict[str, Any] = {
        "inputs": sorted(inputs),
        # Of a whole run also what is there already and need not be made again: jobs may read it.
        "outputs": sorted(
            {_relative(str(file)) for job in (workflow.dag.jobs if whole else jobs) for file in job.output}
        ),
        # A process of its own (`shadow:`) evaluates defaults anew; the one that started it had its requests checked.
        "resources": {} if workflow.exec_mode == ExecMode.SUBPROCESS else _largest(workflow, jobs, whole=whole),
    }
    named = [str(path) for job in jobs for path in _commands(job, workflow, whole=whole)]
    if whole:
        named += [source.get_path_or_uri(secret_free=True) for source in workflow.included]
        settings = workflow.config_settings
        found["overrides"] = sorted(map(str, settings.config or ()))
        found["configs"] = {str(path): sorted(map(str, load_configfile(path))) for path in settings.configfiles}
    root = Path(workflow.main_snakefile).resolve().parent
    found["sources"] = sorted({str(Path(root, name).resolve()) for name in named if not _is_remote(name)})
    return found


def _commands(job: Any, workflow: Any, *, whole: bool) -> Iterator[Path]:
    """Script, notebook or wrapper that a job runs; one that its wildcards name is known when it is about to run."""
    rule, prefix = job.rule, workflow.workflow_settings.wrapper_prefix
    for given in (rule.script, rule.notebook, rule.wrapper):
        name = str(given or "")
        if "{" in name and not whole:
            name = format_text(name, wildcards=job.wildcards, params=job.params)
        if not name or "{" in name or _is_remote(name):
            continue
        if given is not rule.wrapper:
            yield Path(str(rule.basedir.join(name).get_path_or_uri(secret_free=True)))
        elif isinstance(found := get_script(name, workflow.sourcecache, prefix=prefix), SourceFile):
            path = Path(found.get_path_or_uri(secret_free=True).removeprefix("file://").removeprefix("file:"))
            # A site's copy of public wrappers is software.
            if not software.inside(path.resolve(), software.folders()):
                yield path


def _original(path: Path, copies: Path) -> Path:
    """The workflow's own file behind the copy that `workflow.source_path()` names, if they are the same."""
    if path.is_relative_to(copies):
        source = Path("/") / path.relative_to(copies)
        if source.is_file() and source.read_bytes() == path.read_bytes():
            return source
    return path


def _relative(name: str) -> str:
    return os.path.relpath(name) if name.startswith("/") else os.path.normpath(name)


def _absolute(name: str, folder: Path | None = None) -> Path:
    """Without `..`, and without following links as `resolve` would."""
    return Path(os.path.normpath((folder or Path.cwd()) / name))


def _largest(workflow: Any, jobs: list[Any], *, whole: bool) -> dict[str, float]:
    """The largest request of any job, and, for a whole run, its processors and jobs."""
    largest: dict[str, float] = {}
    for name, key in (("mem_mb", "mem_mb"), ("runtime", "runtime"), ("disk_mb", "disk_mb"), ("gpu", "gpus")):
        values = [job.resources.get(name) for job in jobs]
        numbers = [float(value) for value in values if isinstance(value, (int, float))]
        if numbers:
            largest[key] = max(numbers)
    if whole:
        largest["jobs"] = float(len(jobs))
        largest["cores"] = float(workflow.resource_settings.cores or 1)
    return largest


def _scripts(rule: Any) -> list[Path]:
    """Script and notebook of a rule where their path has no wildcards."""
    names = [str(name) for name in (rule.script, rule.notebook) if name]
    return [Path(str(rule.basedir.join(name).get_path_or_uri(secret_free=True))) for name in names if "{" not in name]


def rule_sources(workflow: Any) -> list[Path]:
    """Scripts and notebooks of all rules, for the mounts of code outside of the usual folders."""
    return sorted({path for rule in workflow.rules for path in _scripts(rule)})


def plan(job: Any, workflow: Any, name: str) -> Plan:
    """What one job reads and writes."""

    def absolute(files: Iterable[Any]) -> tuple[Path, ...]:
        return tuple(_absolute(str(file), Path(workflow.workdir_init)) for file in files)

    files = (*job.input, *job.output)
    pipes = [path for path in absolute(files) if _is_fifo(path)]
    return Plan(
        rule=job.rule.name,
        name=name,
        inputs=absolute(job.input),
        written=absolute(job.output),
        logs=absolute(job.log),
        pipes=tuple(pipes),
        updated=absolute(file for file in job.output if is_flagged(file, "update")),
        read=tuple(_read(job, workflow)),
        shadow=Path(job.shadow_dir).absolute() if job.shadow_dir else None,
        gpu=int(job.resources.get("gpu") or 0),
    )


def parameters(job: Any) -> dict[str, str]:
    """Named parameters of a job for the register: short values as text, others by digest, secrets not at all."""
    found = {}
    for name, value in job.params.items():
        text = str(value)
        if SECRET_NAME.search(name):
            found[f"withheld_{canonical.sha256(name.encode())[:8]}"] = "withheld: the name speaks of a secret"
        elif len(text) > LONGEST_PARAMETER or "/" in text:
            found[name] = f"sha256:{canonical.sha256(text.encode())}"
        else:
            found[name] = text
    return found


def _read(job: Any, workflow: Any) -> Iterator[Path]:
    cache = Path(workflow.sourcecache.runtime_cache_path)
    # Mostly there is nothing in it, and every mount costs every job.
    if any(cache.iterdir()):
        yield cache
    if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method and job.conda_env:
        yield Path(job.conda_env.address).absolute()
        if workflow.conda_base_path:
            yield Path(workflow.conda_base_path)


def _is_fifo(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.lstat().st_mode)
    except OSError:
        return False
