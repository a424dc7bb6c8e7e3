"""The outer box: a whole Snakemake run, parsing included, without network and without a view of other projects.

Whatever Snakemake executes outside of jobs (the Snakefile's own Python, input functions, `onstart`, modules) executes
here. `enter()` stands in the profile, which Snakemake reads before any workflow file: it asks the gate, starts
Snakemake again inside bubblewrap, and stays outside as supervisor, holding permit and register (`broker`). Boxes of
jobs are made inside, nested.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from kimed_spe import crate_cli, devices, environments, gate, jobs, machine, sandbox, site, slurm, software, trees
from kimed_spe.broker import ADDRESS, SOCKET, Broker, Desk, connect
from kimed_spe.call import EXECUTOR, Call, EnclosureError, below, read_call
from kimed_spe.cluster import Cluster
from kimed_spe.crate_record import CrateError
from kimed_spe.limits import GROUPS, Groups
from kimed_spe.permit_model import PermitError, PermitRefused
from kimed_spe.register import DEFAULT, Register
from kimed_spe.sandbox import Mount

SANDBOX = "KIMED_SANDBOX"
"""`none` asks for a run without any box, which the permit must allow."""
HOME = Path("/tmp/home")  # noqa: S108 - the enclosure's own
PLUGIN = "snakemake_executor_plugin_spe"
REPORT_PLUGIN = "snakemake_report_plugin_spe_crate"
# What the controlling process may know of its environment. KIMED_ENVVARS (comma-separated) adds names, for `envvars:`.
KEPT = (
    "TERM", "TZ", "COLUMNS", "LINES", "SOURCE_DATE_EPOCH", "VIRTUAL_ENV", "CONDA_PREFIX", "KIMED_ENVVARS",
    "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE",
)  # fmt: skip
KEPT_PREFIXES = ("LC_", "LANG", "KIMED_", "SLURM_")
# What dynamic linker, shells and interpreters read and obey; whatever it names would be code that nobody signed.
OBEYED = re.compile(
    r"LD_|DYLD_|PYTHON|BASH|ENV$|IFS$|PS4$|SHELLOPTS|GLIBC_|GCONV_|LOCPATH|MALLOC_|PERL|RUBY|NODE_|R_|JAVA|_JAVA|JDK_|"
    r"JULIA_|LUA_|TCL|GIT_|SSH_|CONDA|MAMBA|SNAKEMAKE|KIMED_|SPE_|HOME$|PATH$|USER$|LOGNAME$|TMP|TEMP$"
)


def enter(snakefile: str | None = None) -> str:
    """Go on inside the enclosure; returns (an empty text, for templates) only there, or where no box is asked for.

    Parameters
    ----------
    snakefile
        The Snakefile that the profile names, used where the command line names none.
    """
    offer_plugin()
    if enclosed():
        return ""
    try:
        call = read_call(sys.argv[1:], snakefile)
        if call.crate:
            crate_cli.report(call.crate, call.directory)
            sys.exit(0)
        supervisor = Supervisor(call)
        if os.environ.get(SANDBOX) == "none":
            if os.environ.get(slurm.EXECUTOR) == "slurm":
                raise EnclosureError(f"{SANDBOX}=none is for this machine only: on nodes there is no run without boxes")
            supervisor.begin()
            sys.stderr.write("KIMed: THIS RUN HAS NO SANDBOX (the permit says `sandbox: none`); this is recorded.\n")
            environments.demand_pins()
            return ""
        sys.exit(supervisor.run())
    except (
        EnclosureError, sandbox.SandboxError, software.NoConda, PermitRefused, PermitError, site.SiteError,
        trees.TreeProblem, CrateError, devices.DeviceError,
    ) as problem:  # fmt: skip
        sys.stderr.write(f"{problem}\nNothing was run.\n")
        sys.exit(1)


def enclosed() -> bool:
    """Whether this process is inside; the variable alone could be set by anybody, to have nobody ask."""
    return connect() is not None


def forced(arguments: Sequence[str]) -> list[str]:
    """The command line with our executor last, where neither it nor a workflow profile can name another one."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    return [*arguments[:end], "--executor", EXECUTOR, *arguments[end:]]


def offer_plugin() -> None:
    """Let this process and those it starts find the executor; Snakemake overlooks packages installed in place."""
    from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry  # noqa: PLC0415

    spec = importlib.util.find_spec(PLUGIN)
    if spec is None or spec.origin is None:
        raise EnclosureError(f"{PLUGIN} is not installed")
    registry = ExecutorPluginRegistry()
    if "spe" not in registry.plugins:
        registry.register_plugin(PLUGIN, importlib.import_module(PLUGIN))
        from snakemake_interface_report_plugins.registry import ReportPluginRegistry  # noqa: PLC0415

        if "spe-crate" not in ReportPluginRegistry().plugins:
            ReportPluginRegistry().register_plugin(REPORT_PLUGIN, importlib.import_module(REPORT_PLUGIN))
        folder = str(Path(spec.origin).parents[1])
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))


class Supervisor:
    """Outside of the enclosure: asks the gate, starts the run, answers it, records its begin and end."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.content: Mapping[str, Any] = {}
        self.home: Path | None = None
        permit_path, trust_path = gate.places()
        without_box = os.environ.get(SANDBOX) == "none"
        self.desk = Desk(
            root=call.directory, snakefile=call.snakefile, manifests=None, permit_path=permit_path.resolve(),
            trust_path=trust_path.resolve(), sandbox="none" if without_box else "bubblewrap",
            register=Register(site.place("register", call.directory / DEFAULT)),
        )  # fmt: skip

    def begin(self) -> None:
        """Ask the gate, also where no job can run: the Python of the Snakefile runs, and sees the permit's data.

        The data sets' manifests are kept for the jobs.
        """
        desk, passive = self.desk, self.call.passive
        permit = gate.enforce(
            desk.context(), desk.permit_path, desk.trust_path, desk.register, record_acceptance=not passive
        )
        # What was proven, not what the file may hold later.
        self.content = permit.content
        if passive:
            return
        if desk.manifests is not None:
            gate.store_manifests(permit, desk.root, desk.manifests)
        about = {"targets": list(self.call.targets), "versions": machine.versions(), "machine": machine.hardware()}
        self._record("run.start", about)

    def run(self) -> int:
        """Run Snakemake in the enclosure and give its exit status."""
        if not shutil.which("bwrap"):
            raise EnclosureError("bubblewrap is not installed: apt-get install bubblewrap (or dnf, zypper, conda)")
        started, clustered = time.time(), not self.call.passive and _clustered()
        with tempfile.TemporaryDirectory(prefix="kimed-") as name:
            state = Path(name)
            self.desk.manifests = state / "manifests"
            self.begin()
            (state / "door").mkdir()
            broker = Broker(self.desk, state / "door" / SOCKET.name)
            groups = Groups(f"kimed-{os.getpid()}")
            cluster = None
            try:
                cluster = self._cluster(state) if clustered else None
                status = self._start(state, groups, cluster)
            finally:
                if cluster:
                    cluster.close()
                broker.close()
                groups.close()
            if not self.call.passive:
                self._record("run.stop", {"exit_code": status, "seconds": round(time.time() - started, 3)})
        return status

    def _cluster(self, state: Path) -> Cluster:
        try:
            cluster = Cluster(self.desk, state / "door", self.content["resources"]["mem_mb"])
        except slurm.SlurmError as problem:
            raise EnclosureError(str(problem)) from problem
        # Snakemake keeps copies of sources there; nodes see the same.
        self.home = cluster.home
        cluster.enclose(self._arguments(cluster.folder, Groups.none(), []))
        return cluster

    def _record(self, kind: str, more: Mapping[str, Any]) -> None:
        content = {
            "user": gate.current_user(), "node": os.uname().nodename, "kernel": os.uname().release,
            "snakefile": os.path.relpath(self.call.snakefile, self.call.directory),
            "permit": str(self.desk.permit_path),
            "sandbox": self.desk.sandbox, "run": self.desk.run,
        }  # fmt: skip
        self.desk.register.append(kind, {**content, **more})

    def _start(self, state: Path, groups: Groups, cluster: Cluster | None) -> int:
        inside = self._arguments(state, groups, sandbox.device_arguments())
        command = [*prefix(), *inside, "--", sys.executable, "-m", "snakemake"]
        process = subprocess.Popen(  # noqa: S603 - bubblewrap, found on PATH, with arguments made here
            [*command, *forced(self.call.arguments)], stdin=subprocess.DEVNULL, start_new_session=True
        )
        asked: list[int] = []

        def forward(number: int, _frame: FrameType | None) -> None:
            asked.append(number)
            if cluster:
                # On SIGTERM Snakemake waits for what runs; who ends a run does not want to wait for a queue.
                cluster.stop()
            stop(process.pid, number if len(asked) == 1 else signal.SIGKILL)

        # Shells have what they start in the background ignore Ctrl-C; the enclosed run has inherited that.
        heard = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) is not signal.SIG_IGN]
        before = {number: signal.signal(number, forward) for number in heard}
        try:
            status = process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return 128 - status if status < 0 else status

    def _arguments(self, state: Path, groups: Groups, devices_of_boxes: list[str]) -> list[str]:
        sandbox.write_etc(state)
        mounts = self._mounts(state, groups)
        environment = self._environment(groups)
        return [
            *namespaces(), *sandbox.system_arguments(state), *processes(), "--dev", "/dev", *devices_of_boxes,
            "--tmpfs", "/tmp", "--tmpfs", "/dev/shm",  # noqa: S108 - the enclosure's own
            *sandbox.mount_arguments(mounts), "--clearenv",
            *(part for name, value in environment.items() for part in ("--setenv", name, value)),
            *sandbox.closing_arguments(mounts), "--chdir", str(Path.cwd()),
        ]  # fmt: skip

    def _environment(self, groups: Groups) -> dict[str, str]:
        extra = [name for name in os.environ.get("KIMED_ENVVARS", "").split(",") if name]
        if obeyed := [name for name in extra if OBEYED.match(name)]:
            raise EnclosureError(f"KIMED_ENVVARS names {', '.join(obeyed)}, which programs obey: leave them out")
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in KEPT or name in extra or name.startswith(KEPT_PREFIXES)
        }
        kept.pop("KIMED_REGISTER", None)
        return kept | {
            "PATH": software.search_path(software.folders()),
            # The site's file is not seen inside.
            "KIMED_SOFTWARE_PATHS": ":".join(map(str, site.software_paths(os.environ))),
            "HOME": str(HOME),
            "USER": sandbox.ACCOUNT,
            "LOGNAME": sandbox.ACCOUNT,
            # No module that is not of the software or the signed workflow: not by PYTHONPATH, not from the folder
            # in which somebody stands, not from a home directory.
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PYTHONSAFEPATH": "1",
            "PYTHONNOUSERSITE": "1",
            ADDRESS: str(SOCKET),
            GROUPS: groups.text(),
        }

    def _mounts(self, state: Path, groups: Groups) -> list[Mount]:
        call, desk = self.call, self.desk
        root = trees.source_root(call.snakefile)
        mounts = [Mount(path, path) for path in software.folders()]
        mounts += [Mount(call.directory, call.directory, writable=True), *visible_sources(root, call.snakefile)]
        mounts += [Mount(path, path) for path in (*self._permitted(root), desk.permit_path, desk.trust_path)]
        mounts += [Mount(path, path.resolve()) for path in call.named if not below(path, call.directory)]
        mounts.append(Mount(desk.register.path))
        mounts.append(Mount(SOCKET.parent, state / "door"))
        mounts += [Mount(folder, folder, writable=True) for folder in groups.folders.values()]
        mounts += [Mount(HOME, self.home, writable=True)] if self.home else []
        mounts += devices.mounts(devices.granted(os.environ))
        if not below(Path.cwd(), call.directory) and not any(mount.place == Path.cwd() for mount in mounts):
            mounts.append(Mount(Path.cwd()))
        mounts = [mount for mount in mounts if mount.source is None or mount.source.exists()]
        return [*mounts, *pinned(mounts, call.directory)]

    def _permitted(self, root: Path) -> list[Path]:
        """Data and sources that the permit names; the gate has proven it."""
        sources = [root / name for name in self.content["workflow"]["sources"] if Path(name) != Path()]
        return [*sources, *(self.call.directory / item["path"] for item in self.content["datasets"])]


def _clustered() -> bool:
    try:
        return slurm.chosen()[0]
    except slurm.SlurmError as problem:
        raise EnclosureError(str(problem)) from problem


def pinned(mounts: Sequence[Mount], folder: Path) -> list[Mount]:
    """Mounts that keep the writable folders above protected places where they are.

    A place that is mounted cannot be renamed (EBUSY, rename(2)), but the folders above it can; the register would then
    begin anew at its old place.
    """
    protected = [mount.place for mount in mounts if not mount.writable and below(mount.place, folder)]
    above = {parent for place in protected for parent in place.parents if folder in parent.parents}
    return [
        Mount(parent, parent, writable=True)
        for parent in sorted(above)
        if parent.exists() and not any(below(parent, place) for place in protected)
    ]


def visible_sources(root: Path, snakefile: Path) -> list[Mount]:
    """The workflow's sources, read-only, configuration included; of a repository its version control as well."""
    mounts = jobs.source_mounts(root, (snakefile,))
    for name in ("config", "profiles", "spe", ".git", "pyproject.toml", "config.yaml", "config.yml"):
        if (root / name).exists() and not (root / name).is_symlink():
            mounts.append(Mount(root / name, root / name))
    return mounts


def namespaces() -> list[str]:
    """Isolation of the enclosure. User namespaces stay possible, because jobs get boxes of their own."""
    shared = ["--unshare-user", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    kept = ["--cap-drop", "ALL"]
    if os.geteuid() == 0:
        # A nested user namespace may map user 0 only if its maker holds this one (user_namespaces(7)); it is
        # confined to the enclosure's own namespace.
        kept += ["--cap-add", "CAP_SETFCAP"]
    return [*shared, *kept, "--hostname", "spe"]


def prefix() -> list[str]:
    """bubblewrap, for root in a process namespace whose /proc is made before it.

    A nested /proc can be mounted only where the outer one is fully visible (mount_too_revealing in fs/namespace.c).
    bubblewrap makes its /proc so for ordinary users, but covers parts of it for root.
    """
    program = [shutil.which("bwrap") or "bwrap"]
    if os.geteuid() != 0:
        return program
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *program]


def processes() -> list[str]:
    """The /proc that goes with `prefix`."""
    return ["--bind", "/proc", "/proc"] if os.geteuid() == 0 else ["--unshare-pid", "--proc", "/proc"]


def stop(pid: int, number: int) -> None:
    """Pass a signal on to the enclosed Snakemake, which ends its jobs and gives its lock back; SIGKILL ends all."""
    try:
        everyone = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    inner = [process for process in everyone if process.name().startswith("python")]
    if number != signal.SIGKILL and inner:
        inner[0].send_signal(number)
    else:
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    """`python -m kimed_spe.enclosure …`: Snakemake with these arguments, enclosed, without a profile."""
    enter()
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    main()
