"""The box around a job: a bubblewrap command in which it sees its declared files and nothing else.

`Sandbox` holds what all boxes of a run share and is made once; `Sandbox.box` adds the mounts of one job. Nothing here
knows Snakemake. The job's command is started by a small shell script named `bash` (`LAUNCHER`), so that no further
Python is started and Snakemake goes on treating it as bash; without the argument file of a job it refuses to run.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kimed_spe import seccomp, software
from kimed_spe.folders import ARGUMENTS, LAUNCH, PIDS, SHARED, TMP, Folders, common_names
from kimed_spe.limits import Limits, shell_limits

LAUNCHER = """#!/bin/sh
# Starts one command of a job inside its box; called by Snakemake in place of bash. What needs more (a script
# or notebook of Snakemake, a refusal) is for the launcher beside it, in bash, which takes longer to start.
box=${TMPDIR%/tmp}
case ${2-}${IPYTHONDIR:+.snakemake/} in
*.snakemake/*) ;;
*) own='' block=512; [ ! -r "$box/args" ] || [ ! -r "$box/launch" ] || . "$box/launch" ;;
esac
exec /bin/bash "${0%/*}/launcher" "$@"
"""
# Mounts that it may add: the temporary file that Snakemake wrote for this very command, nothing else's.
FULL_LAUNCHER = r"""#!/bin/bash
box=${TMPDIR%/tmp}
if [ ! -r "$box/args" ] || [ ! -r "$box/launch" ]; then
  echo "spe: no box is prepared for this command, refused: it does not belong to a job" >&2
  exit 97
fi
own=()
pattern="\\.snakemake/(scripts/tmp[a-z0-9_]+\\.[^'\" /]+|shell_tmp\\.[a-z0-9_]+/script\\.sh)"
if [[ ${2-} =~ $pattern ]] && [ -f "$PWD/${BASH_REMATCH[0]}" ] && [ ! -L "$PWD/${BASH_REMATCH[0]}" ]; then
  own=(--bind "$PWD/${BASH_REMATCH[0]}" "$PWD/${BASH_REMATCH[0]}")
  # Snakemake names its shell for commands that are too long for one argument; inside, that path leads to bash.
  [[ ${BASH_REMATCH[1]} != shell_tmp.* ]] || own+=(--ro-bind /bin/bash "${0%/*}/bash")
fi
[ -z "${IPYTHONDIR-}" ] || own+=(--dir "$IPYTHONDIR" --setenv IPYTHONDIR "$IPYTHONDIR")
own=${own[*]@Q} block=1024
. "$box/launch"
"""
# Kernel memory, log and keys; root is let through by its user id alone (proc(5)), without any capability.
PROC_HIDDEN = ("kcore", "keys", "timer_list", "kmsg", "latency_stats", "sched_debug", "key-users")
ACCOUNT = "job"
DEVICES = Path("/run/dev")
"""In the enclosure: the /dev of boxes, made once for all of them."""
DEVICE_NAMES = ("null", "zero", "full", "random", "urandom", "tty")


class SandboxError(RuntimeError):
    """No box can be made; nothing runs without one."""


@dataclass(frozen=True)
class Mount:
    """One thing that a job sees.

    Attributes
    ----------
    place
        Absolute path inside the box.
    source
        Absolute path outside; None for an empty folder, which hides what would be there.
    writable
        Whether the job may write there; in an empty folder it takes up memory.
    device
        Whether device nodes work there.
    """

    place: Path
    source: Path | None = None
    writable: bool = False
    device: bool = False

    def arguments(self) -> list[str]:
        """Arguments of bubblewrap for it."""
        if self.source is None:
            return ["--tmpfs", str(self.place)]
        kind = "--dev-bind" if self.device else "--bind" if self.writable else "--ro-bind"
        return [kind, str(self.source), str(self.place)]


@dataclass
class Box:
    """A prepared box.

    Attributes
    ----------
    folder
        Outside, holds its arguments and its temporary files.
    tmp
        The job's TMPDIR, at the same path outside and inside.
    digest
        SHA-256 of the arguments and limits, for the register.
    groups
        Control groups of the job.
    """

    folder: Path
    tmp: Path
    digest: str
    groups: list[Path] = field(default_factory=list)

    def pids(self) -> list[int]:
        """Processes of bubblewrap that run for this job now or did."""
        try:
            return [int(line) for line in (self.folder / PIDS).read_text().split()]
        except FileNotFoundError:
            return []


class Sandbox:
    """What all boxes of a run share.

    Parameters
    ----------
    folder
        Where boxes are prepared; on the file system of the results, so that outputs can be renamed.
    environment
        Variables of this process; only `PATH` and `allowed` ones reach a job.
    allowed
        Names of variables that a job may see, because the workflow declares them.

    Raises
    ------
    SandboxError
        bubblewrap is missing, or there is no system-call filter for this machine.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None, allowed: Iterable[str] = ()) -> None:
        environment = os.environ if environment is None else environment
        program = shutil.which("bwrap")
        if not program:
            raise SandboxError("bubblewrap is not installed: apt-get install bubblewrap (or dnf, zypper, conda)")
        filter_bytes = seccomp.program()
        if filter_bytes is None:
            raise SandboxError(f"no system-call filter for {os.uname().machine}")
        self.program = program
        self.folder = folder
        self.folders = Folders(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "seccomp").write_bytes(filter_bytes)
        write_etc(folder)
        self.launcher = folder / "bash"
        for path, text in ((self.launcher, LAUNCHER), (folder / "launcher", FULL_LAUNCHER)):
            # Nobody may write to a launcher, not even its owner.
            path.unlink(missing_ok=True)
            path.write_text(text)
            path.chmod(0o555)
        self.roots = software.folders(environment)
        kept = {name: environment[name] for name in allowed if name in environment}
        self.base = [
            *self._namespaces(),
            *system_arguments(folder),
            *proc_arguments(),
            *self._environment(environment, kept),
        ]  # fmt: skip

    @staticmethod
    def _namespaces() -> list[str]:
        return [
            "--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL", "--die-with-parent",
            "--new-session", "--hostname", "spe", "--seccomp", "8",
        ]  # fmt: skip

    def _devices(self, mounts: Iterable[Mount]) -> list[str]:
        """The /dev of a box: that of the enclosure, or a new one where there is none, or where devices are added."""
        added = any(mount.place.is_relative_to("/dev") for mount in mounts)
        return ["--dev", "/dev"] if added or not DEVICES.is_dir() else ["--dev-bind", str(DEVICES), "/dev"]

    def _environment(self, environment: Mapping[str, str], allowed: Mapping[str, str]) -> list[str]:
        values = {
            "PATH": software.search_path(self.roots, environment),
            "HOME": "/tmp",  # noqa: S108 - the box's own
            "USER": ACCOUNT,
            "LOGNAME": ACCOUNT,
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": environment.get("PYTHONHASHSEED", "0"),
            "PYTHONNOUSERSITE": "1",
            **allowed,
        }
        return ["--clearenv", *(part for name, value in values.items() for part in ("--setenv", name, value))]

    def box(
        self,
        name: str,
        mounts: Iterable[Mount],
        directory: Path,
        *,
        limits: Limits,
        kind: str,
        groups: list[Path],
        variables: Mapping[str, str] | None = None,
    ) -> Box:
        """Prepare the box of one job.

        Parameters
        ----------
        name
            Folder name, unique in the run.
        mounts
            What it sees besides software.
        directory
            Where the job starts.
        limits, kind, groups
            Its limits, who enforces them, and the control groups that it joins.
        variables
            Further environment variables.
        """
        folder = self.folder / name
        tmp = folder / TMP
        tmp.mkdir(parents=True, exist_ok=True)
        own = [
            Mount(SHARED, tmp, writable=True),
            Mount(tmp, tmp, writable=True),
            *(Mount(root, root) for root in self.roots),
        ]
        own += mounts
        # Folders that bubblewrap has to make on the way to mounts in /tmp: in memory, and not in the job's own folder.
        places = {mount.place for mount in own}
        own += [Mount(SHARED / name, writable=True) for name in common_names(places) if SHARED / name not in places]
        arguments = [*self.base, *self._devices(own), *mount_arguments(own)]
        shared_memory = ["--size", str(limits.memory)] if limits.memory else []
        arguments += [*shared_memory, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108 - the box's own
        variables = {"TMPDIR": str(tmp), "TMP": str(tmp), "TEMP": str(tmp), **thread_variables(limits.threads)} | dict(
            variables or {}
        )
        for key, value in variables.items():
            arguments += ["--setenv", key, value]
        arguments += ["--chdir", str(directory)]
        (folder / ARGUMENTS).write_bytes(b"\0".join(os.fsencode(argument) for argument in arguments))
        launch = self._launch(folder, limits, kind, groups, closing_arguments(own))
        (folder / LAUNCH).write_text(launch)
        digest = hashlib.sha256("\0".join([*arguments, launch]).encode("utf-8", "surrogateescape")).hexdigest()
        return Box(folder, tmp, digest, groups)

    def _launch(self, folder: Path, limits: Limits, kind: str, groups: list[Path], closing: list[str]) -> str:
        quoted = shlex.quote(str(folder))
        lines = [f"echo $$ >> {quoted}/{PIDS}", *shell_limits(kind, limits)]
        lines += [f"echo $$ > {shlex.quote(str(group / 'cgroup.procs'))} || exit 98" for group in groups]
        # `own`: further arguments, quoted; they have to stand before what closes the box.
        lines.append(f'eval "set -- $own "{shlex.quote(shlex.join(closing))}\' -- /bin/bash "$@"\'')
        lines.append(
            f'exec {shlex.quote(self.program)} --args 9 "$@" 9< {quoted}/{ARGUMENTS}'
            f" 8< {shlex.quote(str(self.folder))}/seccomp"
        )
        return "\n".join(lines) + "\n"

    def run(self, box: Box, command: str, **options: object) -> "subprocess.CompletedProcess[str]":
        """Run a command in a box from here, for checks of the sandbox itself."""
        return subprocess.run(  # type: ignore[call-overload,no-any-return] # noqa: S603 - the launcher
            [str(self.launcher), "-c", command], env={**os.environ, "TMPDIR": str(box.tmp)}, text=True,
            capture_output=True, check=False, **options,
        )  # fmt: skip


def write_etc(folder: Path) -> None:
    """Write the /etc of boxes: what software reads, one account, one host, no names from outside.

    One folder to mount in place of some fifteen files: bubblewrap reads the whole mount table for every mount.
    """
    etc = folder / "etc"
    etc.mkdir(exist_ok=True)
    for name in software.CONFIGURATION:
        source, target = Path("/etc") / name, etc / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # What this account may not read, a job could not read either.
        with suppress(OSError, shutil.Error):
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            elif source.is_file():
                shutil.copyfile(source, target)
    (etc / "passwd").write_text(f"{ACCOUNT}:x:{os.getuid()}:{os.getgid()}:{ACCOUNT}:/tmp:/bin/bash\n")
    (etc / "group").write_text(f"{ACCOUNT}:x:{os.getgid()}:\n")
    (etc / "hosts").write_text("127.0.0.1 localhost spe\n::1 localhost spe\n")


def system_arguments(folder: Path) -> list[str]:
    """Read-only system folders, and the /etc that `write_etc` wrote into `folder`."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in software.TOP_LEVEL:
        path = Path("/") / name
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    arguments += ["--ro-bind", str(folder / "etc"), "/etc"]
    if Path("/sys/devices/system/cpu").is_dir():
        arguments += ["--ro-bind", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]
    return arguments


def proc_arguments() -> list[str]:
    """A new /proc in which nothing can be written, without kernel memory and keys.

    For ordinary accounts only what they could read otherwise (keys) is covered: every mount costs every job.
    """
    root = os.geteuid() == 0
    arguments = ["--proc", "/proc"]
    for name in PROC_HIDDEN:
        path = Path("/proc") / name
        if path.exists() and (root or os.access(path, os.R_OK)):
            arguments += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    return [*arguments, "--remount-ro", "/proc"]


def device_arguments() -> list[str]:
    """For the enclosure: the /dev of all boxes, without terminals (a shared one would let jobs read each other's)."""
    arguments = ["--tmpfs", str(DEVICES), "--dir", f"{DEVICES}/shm", "--symlink", "/proc/self/fd", f"{DEVICES}/fd"]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        arguments += ["--symlink", f"/proc/self/fd/{number}", f"{DEVICES}/{name}"]
    for name in DEVICE_NAMES:
        arguments += ["--dev-bind", f"/dev/{name}", f"{DEVICES}/{name}"]
    return [*arguments, "--remount-ro", str(DEVICES)]


def ordered(mounts: Iterable[Mount]) -> list[Mount]:
    """Outer folders before inner ones; for one place, the last one that is writable, else the last."""
    chosen: dict[Path, Mount] = {}
    for mount in mounts:
        if mount.place not in chosen or mount.writable or not chosen[mount.place].writable:
            chosen[mount.place] = mount
    return sorted(chosen.values(), key=lambda mount: mount.place.parts)


def mount_arguments(mounts: Iterable[Mount]) -> list[str]:
    """Arguments of bubblewrap for all mounts."""
    return [argument for mount in ordered(mounts) for argument in mount.arguments()]


def closing_arguments(mounts: Iterable[Mount]) -> list[str]:
    """Arguments that make empty folders unwritable; to be given after all that is mounted in them."""
    places = [str(mount.place) for mount in ordered(mounts) if mount.source is None and not mount.writable]
    return [argument for place in [*places, "/"] for argument in ("--remount-ro", place)]


def thread_variables(threads: int) -> dict[str, str]:
    """What numerical libraries read; the same names as Snakemake sets."""
    names = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")
    return {f"{name}_NUM_THREADS": str(threads) for name in names} | {"VECLIB_MAXIMUM_THREADS": str(threads)}
