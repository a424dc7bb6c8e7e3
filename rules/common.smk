"""What every workflow shares: the script library on sys.path, config, sample sheets, preflight.

A workflow includes this file first. It defines functions, and what happens at the end, no rules:

    library(step)         digest of the kimedlib modules a script uses, for `params: library=`
    checked_config(name)  the workflow's config, checked against its closed schema
    read_config(*paths)   a module's config files, for the chaining workflow
    read_samples(...)     the sample sheet, checked line by line; its files checked before any job
    scaled(megabytes)     a memory request that doubles with every retry
    share_of_cores(jobs)  threads for each of several jobs that are ready together
    leave_out(packages)   packages that Snakemake need not import
    say_at_the_end(...)   what a workflow has to tell on the terminal when the run ends
"""

import gc
import logging
import sys
import threading
from pathlib import Path

# What was imported so far stays to the end: not searched again and again for what could go (0.15 s of every start).
gc.freeze()

# Not workflow.basedir: inside a module that is the main Snakefile's folder.
REPOSITORY = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).resolve().parent
if str(REPOSITORY / "scripts") not in sys.path:
    sys.path.insert(0, str(REPOSITORY / "scripts"))

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from kimedlib.library import library_digest
from kimedlib.problems import InputProblems
from kimedlib.sheet import check_config, expand_variables, read_rows, read_sheet

SCHEMAS = REPOSITORY / "config" / "schemas"


def library(step):
    """Digest of the library code behind scripts/<step>.py, for the jobs that need it: library edits must rerun them."""
    return lambda wildcards: library_digest(REPOSITORY / "scripts", step)


def clear_errors(check, *arguments):
    """Run `check`; on input problems stop with the list of all of them instead of a traceback."""
    try:
        return check(*arguments)
    except InputProblems as problems:
        raise WorkflowError(str(problems)) from None


def checked_config(name):
    """The loaded config, after config/schemas/<name>.schema.yaml accepted every key and value."""
    expanded = clear_errors(expand_variables, config, f"config/{name}.yaml")
    clear_errors(check_config, expanded, SCHEMAS / f"{name}.schema.yaml", f"config/{name}.yaml")
    return expanded


def read_config(*paths):
    """Config of a module; what later files say replaces what earlier ones say."""
    merged = {}
    for path in paths:
        update_config(merged, load_configfile(path))
    return merged


def read_samples(path, name, check_files, read=read_sheet):
    """Sample sheet as a data frame of strings; `check_files(frame, path)` lists what is wrong with the files.

    With `read=read_rows` it is a list of rows, which spares a start 0.4 s for pandas. The files are looked at by the
    main process only: a job must not repeat the work of all.
    """
    sheet = clear_errors(read, path, SCHEMAS / f"{name}.samples.schema.yaml")
    if workflow.is_main_process:
        problems = check_files(sheet, path)
        if problems:
            raise WorkflowError(str(InputProblems(problems)))
    return sheet


def scaled(megabytes):
    """Memory in MB that doubles with each attempt, so that one out-of-memory kill does not end a run."""
    return lambda wildcards, attempt: megabytes * 2 ** (attempt - 1)


def leave_out(*packages):
    """Spare a start the import of packages with data frames (pandas 0.35 s, polars 0.45 s of processor time).

    Snakemake imports all that are installed to ask of every parameter whether it is a frame; without them it does not
    ask. Only the command `snakemake` leaves them out, and only where no other workflow, which may need them, is around
    this one; what is imported already stays.
    """
    command = Path(sys.argv[0]).parts[-2:]  # .../bin/snakemake or .../snakemake/__main__.py
    if "snakemake" in command and len(workflow.included_stack) == 1:
        for package in packages:
            sys.modules.setdefault(package, None)  # what Python takes as "not installed"


def share_of_cores(jobs, elsewhere=4):
    """Threads for each of `jobs` jobs that are ready together; `elsewhere` where a cluster has the cores.

    Few samples on many cores would leave most of them idle with one thread each; many samples use them best alone.
    """

    def threads(wildcards):
        try:
            return max(1, int(workflow.cores) // max(1, jobs))
        except (WorkflowError, ValueError):
            return elsewhere

    return threads


# By what they are about; modules share the workflow, and with it this.
workflow.farewells = getattr(workflow, "farewells", {})


def say_at_the_end(about, tell):
    """Have `tell(finished=...)`, which returns a text or nothing, asked when the run ends, and its text shown last."""
    workflow.farewells[about] = tell


def bid_farewell(finished):
    """Show what the workflows have to say; it also goes to the run's log."""
    for tell in workflow.farewells.values():
        if text := tell(finished=finished):
            logging.getLogger("snakemake.logging").error(text)


onsuccess:
    bid_farewell(finished=True)
    # Snakemake's limit of jobs per second leaves timers, for which its end would wait up to a second.
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


onerror:
    bid_farewell(finished=False)
