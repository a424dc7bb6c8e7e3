"""Snakemake's local executor with a box around every job; the plugin package only re-exports it."""

import concurrent.futures
import copy
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError
from snakemake.executors import local
from snakemake.settings.types import DeploymentMethod
from snakemake.shell import shell

from kimed_spe import environments, leftovers, preflight, remote, rounds, trees
from kimed_spe.broker import Link, LinkError, connect
from kimed_spe.call import read_call
from kimed_spe.enclosure import SANDBOX, Supervisor
from kimed_spe.jobs import JobRefused, Plan, Runner, source_mounts
from kimed_spe.limits import GROUPS, Groups, Limits
from kimed_spe.sandbox import Box, Sandbox, SandboxError
from kimed_spe.watch import Watch

RESOURCES = 6
"""Place of `resources` among the arguments of Snakemake's `run_wrapper`."""


class Executor(local.Executor):  # type: ignore[misc]
    """Runs each job in a box of its own; refuses to start where that is not possible."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.numbers = count()
        rounds.bound(self.workflow, self.dag)
        link = connect()
        # Python of a Snakefile could set the variable; inside, only boxes count.
        self.boxed = link is not None or os.environ.get(SANDBOX) != "none"
        if link is None and not self.boxed:
            link = Supervisor(read_call(sys.argv[1:], str(self.workflow.main_snakefile))).desk
        if link is None:
            raise WorkflowError(
                "The executor `spe` runs jobs inside the enclosure only: start with `snakemake --profile spe`, or "
                "`python -m kimed_spe.enclosure` in place of `snakemake`."
            )
        self.link: Link = link
        try:
            self._admit_run()
            self._make_runner()
        except (SandboxError, LinkError, OSError) as error:
            raise WorkflowError(str(error)) from error

    def _admit_run(self) -> None:
        jobs = [job for job in self.dag.needrun_jobs() if not job.is_norun]
        reasons = preflight.refusals(self.workflow, {job.rule for job in jobs})
        if reasons:
            self.link.record("refusal", {"stage": "preflight", "reasons": reasons})
            raise WorkflowError("The SPE refuses this workflow:\n" + "\n".join(f"  - {line}" for line in reasons))
        self._check_software({job.conda_env for job in jobs if job.conda_env})
        self.link.check(preflight.facts(self.workflow, jobs, whole=True))

    def _check_software(self, used: set[Any]) -> None:
        """Refuse environments that differ from their pin files, whoever made them."""
        if DeploymentMethod.CONDA in self.workflow.deployment_settings.deployment_method:
            try:
                for environment in used:
                    environments.check(environment)
            except environments.EnvironmentProblem as problem:
                self.link.record("refusal", {"stage": "software", "reasons": [str(problem)]})
                raise WorkflowError(str(problem)) from problem

    def _make_runner(self) -> None:
        workdir = Path.cwd()
        parent = workdir / ".snakemake" / "spe"
        parent.mkdir(parents=True, exist_ok=True)
        leftovers.sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=leftovers.PREFIX, dir=parent))
        self.alive = leftovers.claim(self.folder)
        allowed = self.workflow.envvars if self.boxed else ()
        groups_text = os.environ.get(GROUPS)
        groups = Groups.adopt(groups_text) if groups_text else Groups(f"kimed-{os.getpid()}")
        snakefile = Path(self.workflow.main_snakefile)
        included = [Path(source.get_path_or_uri(secret_free=True)) for source in self.workflow.included]
        sources = source_mounts(trees.source_root(snakefile), [*included, *preflight.rule_sources(self.workflow)])
        self.runner = Runner(
            Sandbox(self.folder, allowed=allowed), groups, workdir, sources,
            record=partial(self.link.record, "job"),
        )  # fmt: skip
        # Where the supervisor submits to SLURM, jobs of this runner go to nodes.
        self.distant: Runner | None = None
        if self.boxed and remote.offered():
            sandbox = remote.RemoteSandbox(self.folder, allowed=allowed)
            self.distant = Runner(sandbox, Groups.none(), workdir, sources, record=partial(self.link.record, "job"))
            self.distant.made = self.runner.made
        self.watch = Watch()

    def additional_general_args(self) -> str:
        """Jobs that Snakemake starts as a process of their own (`shadow:`) use this executor as well."""
        return f"{super().additional_general_args()} --executor spe"

    def run_single_job(self, job: Any) -> "concurrent.futures.Future[None]":
        """Start a job in a thread; a refused one fails like any other."""
        if job.is_norun:  # a target rule that only collects
            future: concurrent.futures.Future[None] = super().run_single_job(job)
            return future
        try:
            reasons = preflight.refusals(self.workflow, [job.rule])
            if reasons:
                raise JobRefused("; ".join(reasons))
            self.link.check(preflight.facts(self.workflow, [job], whole=False))
            if job.is_shadow and not self.use_threads:
                return self._submit(job, self.spawn_job, job)
            arguments = self.job_args_and_prepare(job)
        except (JobRefused, LinkError) as refusal:
            self.link.record("refusal", {"stage": "job", "rule": job.rule.name, "reasons": [str(refusal)]})
            failed: concurrent.futures.Future[None] = concurrent.futures.Future()
            failed.set_exception(WorkflowError(str(refusal)))
            return failed
        return self._submit(job, partial(self._run, job), *arguments)

    def _submit(self, job: Any, action: Callable[..., None], *arguments: Any) -> "concurrent.futures.Future[None]":
        future: concurrent.futures.Future[None] = self.pool.submit(self.cached_or_run, job, action, *arguments)
        return future

    def _run(self, job: Any, *arguments: Any) -> None:
        limits = Limits.of(dict(job.resources.items()), job.threads)
        plan = preflight.plan(job, self.workflow, f"{job.jobid}-{next(self.numbers)}")
        facts = {
            "job": job.jobid, "wildcards": dict(job.wildcards_dict), "attempt": job.attempt,
            "software": self._software(job), "boxed": self.boxed, "parameters": preflight.parameters(job),
        }  # fmt: skip
        try:
            if not self.boxed:
                self.runner.run_unboxed(plan, limits, partial(local.run_wrapper, *arguments), facts)
                return
            runner, box = self._prepare(job, plan, limits)
        except JobRefused as refusal:
            self.link.record("refusal", {"stage": "job", "rule": plan.rule, "reasons": [str(refusal)]})
            raise WorkflowError(str(refusal)) from refusal
        # Whatever the Snakefile has set: commands of jobs start in the launcher.
        shell.executable(str(self.runner.sandbox.launcher))
        resources = copy.copy(arguments[RESOURCES])
        resources = type(resources)(
            fromdict={name: value for name, value in resources.items() if name != "shell_exec"}
            | {"tmpdir": str(box.tmp)}
        )
        inside = (*arguments[:RESOURCES], resources, *arguments[RESOURCES + 1 :])
        action = partial(local.run_wrapper, *inside)
        if runner is self.distant:
            action = partial(self._call_there, box, plan, facts, inside)
        # The time in a queue is no run time; SLURM ends what runs too long.
        watched = dataclasses.replace(limits, seconds=None) if runner is self.distant else limits
        with self.watch.over(box, watched, plan) as guard:
            try:
                if guard.reason:
                    raise JobRefused(guard.reason)
                runner.run(plan, box, limits, action, facts)
            except Exception as error:
                if guard.reason:
                    raise WorkflowError(f"rule {plan.rule}: killed: {guard.reason}") from error
                raise

    def _prepare(self, job: Any, plan: Plan, limits: Limits) -> tuple[Runner, Box]:
        """The box of a job, on this machine or, if it is no local rule, for a node of SLURM."""
        if self.distant is None or job.rule.name in self.workflow._localrules:
            return self.runner, self.runner.prepare(plan, limits)
        if plan.pipes:
            raise JobRefused(f"rule {plan.rule}: pipe() does not reach from node to node: use temp(), or localrules")
        box = self.distant.prepare(dataclasses.replace(plan, gpu=0), limits)
        remote.ask(box, job, self.workflow.execution_settings.latency_wait)
        return self.distant, box

    def _call_there(self, box: Box, plan: Plan, facts: dict[str, Any], arguments: tuple[Any, ...]) -> None:
        rule, *more = arguments
        try:
            local.run_wrapper(remote.measured_there(rule, box), *more)
        finally:
            if ran := remote.told(box):
                facts["slurm"] = ran
        remote.await_outputs(box, plan, self.workflow.execution_settings.latency_wait)

    def _software(self, job: Any) -> str:
        conda = DeploymentMethod.CONDA in self.workflow.deployment_settings.deployment_method
        return f"conda:{job.conda_env.hash}" if conda and job.conda_env else "host"

    def shutdown(self) -> None:
        """Wait for jobs, then remove what boxes left."""
        super().shutdown()
        self.watch.close()
        # What `onsuccess` and `onerror` start belongs to no job; it executes in the enclosure.
        shell.executable("bash")
        shutil.rmtree(self.folder, ignore_errors=True)

    def cancel(self) -> None:
        """End all jobs."""
        self.watch.kill_all()
        super().cancel()
        self.watch.close()
        shutil.rmtree(self.folder, ignore_errors=True)
