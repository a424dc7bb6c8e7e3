"""`spe doctor`: whether this machine can hold what the SPE promises; every check is an observation, not a setting.

EHDS Art. 73(1)(f) asks that compliance be monitored: the JSON form and the exit status are made for that.
"""

import ctypes
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from kimed_spe import canonical, gate, permit, seccomp, selfprobes, site, trees, trust
from kimed_spe.limits import Groups, Limits
from kimed_spe.register import DEFAULT, Register, RegisterError
from kimed_spe.sandbox import Mount, Sandbox, SandboxError

# --disable-userns came with 0.8.0 (bubblewrap's NEWS).
BUBBLEWRAP = (0, 8, 0)
SPACE_FAIL, SPACE_WARN = 1e9, 10e9
# adjtimex(2): the clock is not synchronised
TIME_ERROR = 5
# A line of a lock file of pip, and what its names do not tell apart (Python packaging, "Names and normalization").
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
NAME = re.compile(r"[-_.]+")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Attributes
    ----------
    area, check
        What was looked at.
    state
        `ok`, `warn` (works, but a promise is weaker) or `fail` (runs are refused or unsafe).
    found
        What was seen.
    remedy
        What to do; empty if nothing.
    """

    area: str
    check: str
    state: str
    found: str
    remedy: str = ""


def examine(root: Path) -> list[Finding]:
    """All checks, for runs in the folder `root`."""
    parts: tuple[Callable[[Path], Iterator[Finding]], ...] = (
        _kernel, _bubblewrap, _box, _limits, _account, _clock, _site, _trust, _permit, _data, _software, _register,
        _disk, _profile,
    )  # fmt: skip
    findings: list[Finding] = []
    for part in parts:
        try:
            findings += part(root)
        except (OSError, ValueError, RuntimeError) as error:
            findings.append(Finding(part.__name__.strip("_"), "examination", "fail", str(error), "see the message"))
    return findings


def _judge(what: tuple[str, str], good: object, found: str, remedy: str, otherwise: str = "fail") -> Finding:
    return Finding(*what, "ok" if good else otherwise, found, "" if good else remedy)


def _kernel(_: Path) -> Iterator[Finding]:
    release = os.uname().release
    yield _judge(("kernel", "system-call filter"), seccomp.program() is not None, os.uname().machine,
                 "filters exist for x86-64 and AArch64 only")  # fmt: skip
    for name, good, remedy in (
        ("user/max_user_namespaces", range(1, 1 << 31), "sysctl user.max_user_namespaces=15000"),
        ("kernel/unprivileged_userns_clone", (1,), "sysctl kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", (0,),
         "an AppArmor profile for bwrap, or sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
    ):  # fmt: skip
        path = Path("/proc/sys") / name
        if path.exists():
            value = int(path.read_text())
            yield _judge(
                ("kernel", name.replace("/", ".")), value in good or os.geteuid() == 0, f"{value} ({release})", remedy
            )


def _bubblewrap(_: Path) -> Iterator[Finding]:
    program = shutil.which("bwrap")
    if not program:
        yield Finding(
            "sandbox", "bubblewrap", "fail", "not installed", "apt-get install bubblewrap (dnf, zypper, conda)"
        )
        return
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = tuple(map(int, re.findall(r"\d+", text)[:3]))
    yield _judge(("sandbox", "bubblewrap"), version >= BUBBLEWRAP, text.strip(), "bubblewrap 0.8.0 or newer")
    unsafe = Path(program).stat().st_mode & 0o4000
    yield _judge(("sandbox", "set-user-id"), not unsafe, "no" if not unsafe else "bwrap is set-user-id",
                 "remove the bit; user namespaces need none", "warn")  # fmt: skip


def _box(_: Path) -> Iterator[Finding]:
    """Make a box and try to get out."""
    try:
        escaped = probe()
    except (SandboxError, ValueError) as error:
        yield Finding("sandbox", "box", "fail", str(error), "see kernel and bubblewrap above")
        return
    for name in selfprobes.PROBES:
        open_ = escaped.get(name, True)
        yield _judge(("sandbox", f"closed: {name}"), not open_, "ESCAPED" if open_ else "blocked",
                     "do not run: report this with kernel and bubblewrap versions")  # fmt: skip


def probe() -> dict[str, bool]:
    """Escaped or not, by probe.

    Raises
    ------
    SandboxError
        No box could be made.
    """
    with tempfile.TemporaryDirectory(prefix="spe-doctor-") as name, socket.socket() as tcp, _unix(name) as unix:
        folder = Path(name)
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        unix.listen()
        (folder / "secret").write_text("secret")
        (folder / "work").mkdir()
        (folder / "work" / "input").write_text("input")
        limits = Limits.of({"mem_mb": 500}, 1)
        sandbox = Sandbox(folder / "boxes")
        mounts = [Mount(folder / "work"), Mount(folder / "work" / "input", folder / "work" / "input")]
        box = sandbox.box("doctor", mounts, folder / "work", limits=limits, kind="rlimit", groups=[])
        asked = {
            "host service by TCP": str(tcp.getsockname()[1]),
            "host service by Unix socket": str(folder / "socket"),
            "hypervisor by VSOCK": "",
            "undeclared file": str(folder / "secret"),
            "declared input is writable": str(folder / "work" / "input"),
            "software is writable": str(Path(selfprobes.__file__)),
            "kernel setting is writable": "/proc/sys/kernel/core_pattern",
            "process of the host": str(os.getpid()),
            "user namespace": "",
            "capabilities": "",
            "environment variable": "KIMED_DOCTOR_SECRET",
        }
        os.environ["KIMED_DOCTOR_SECRET"] = "secret"  # noqa: S105 - a decoy
        try:
            run = sandbox.run(box, f"'{sys.executable}' -I '{selfprobes.__file__}'", input=json.dumps(asked))
        finally:
            del os.environ["KIMED_DOCTOR_SECRET"]
        if run.returncode != 0:
            raise SandboxError(f"no box can be made here: {run.stderr.strip()}")
        answer: dict[str, bool] = json.loads(run.stdout)
        return answer


def _unix(folder: str) -> socket.socket:
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(Path(folder) / "socket"))
    return unix


def _limits(_: Path) -> Iterator[Finding]:
    groups = Groups(f"spe-doctor-{os.getpid()}")
    kind = groups.kind
    groups.close()
    remedy = "delegate a control group (systemd Delegate=, SLURM ConstrainRAMSpace); docs/spe/admin.md"
    yield _judge(("limits", "memory and processes by"), kind != "rlimit", kind, remedy, "warn")


def _account(root: Path) -> Iterator[Finding]:
    found = f"{gate.current_user()} ({os.geteuid()})"
    # Read-only in most containers, also for root.
    exposed = os.geteuid() == 0 and os.access("/proc/sys/kernel/core_pattern", os.W_OK)
    remedy = "run as an ordinary user: as root, Python of a Snakefile can reach kernel settings (threat-model.md)"
    yield _judge(("account", "kernel settings out of reach"), not exposed, found, remedy, "warn")
    mode = root.stat().st_mode
    shared = mode & stat.S_IWOTH and not mode & stat.S_ISVTX
    yield _judge(("account", "working directory"), not shared, f"mode {stat.S_IMODE(mode):o}",
                 f"chmod o-w {root}: others can change results")  # fmt: skip


def _clock(_: Path) -> Iterator[Finding]:
    buffer = ctypes.create_string_buffer(512)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    remedy = "start chrony or systemd-timesyncd: validity of permits depends on the clock"
    yield _judge(("clock", "synchronised"), state not in (-1, TIME_ERROR), f"adjtimex {state}", remedy, "warn")


def _site(_: Path) -> Iterator[Finding]:
    names = ", ".join(sorted(site.fixed())) or "nothing"
    remedy = f"{site.FILE} should fix the trust store, or anybody can bring one of his own (docs/spe/admin.md)"
    yield _judge(("site", "trust store is fixed"), "trust" in site.fixed(), f"{names} fixed", remedy, "warn")


def _trust(_: Path) -> Iterator[Finding]:
    _, path = gate.places()
    try:
        store = trust.load(path)
    except trust.TrustError as error:
        yield Finding("trust", "store", "fail", str(error), "`spe trust`, or KIMED_TRUST; docs/spe/admin.md")
        return
    kind = "demonstration" if store.demonstration else "productive"
    yield _judge(("trust", "productive"), not store.demonstration, kind,
                 "demonstration keys are public: make your own before real data", "warn")  # fmt: skip
    weaknesses = list(store.weaknesses())
    yield _judge(("trust", "protected"), not weaknesses, "; ".join(weaknesses) or "yes",
                 "owned by root, not writable by the running account",
                 "warn" if store.demonstration else "fail")  # fmt: skip
    left = store.revocations.next_update - datetime.now(UTC)
    yield _judge(("trust", "revocation list"), left.total_seconds() > 0, f"{left.days} days left",
                 "fetch the newest list of the access committee")  # fmt: skip


def _permit(root: Path) -> Iterator[Finding]:
    path, _ = gate.places()
    try:
        content = permit.load(path).content
        end = canonical.moment(content["valid_to"])
    except (permit.PermitError, KeyError, ValueError) as error:
        yield Finding(
            "permit", "readable", "fail", str(error), "KIMED_PERMIT, or `spe permit demo` for the demonstration"
        )
        return
    left = end - datetime.now(UTC)
    yield _judge(("permit", "in time"), left.total_seconds() > 0, f"{left.days} days left", "ask the access committee")
    users = [user["id"] for user in content.get("users", [])]
    yield _judge(("permit", "for this account"), {gate.current_user(), permit.ANYONE} & set(users),
                 gate.current_user(), f"the permit names {', '.join(users)}", "warn")  # fmt: skip
    for name, digest in sorted(content.get("environments", {}).items()):
        try:
            found = canonical.sha256_file(trees.plain_path(root, name))
        except (OSError, ValueError) as error:
            found = str(error)
        yield _judge(("permit", f"environment {name}"), found == digest, found[:16], f"restore {name} as it was signed")


def _data(root: Path) -> Iterator[Finding]:
    """Whether data sets are there, and whether people could read them past the gate."""
    try:
        content = permit.load(gate.places()[0]).content
    except permit.PermitError:
        return  # told by `_permit`
    for item in content.get("datasets", []):
        what = ("data", str(item.get("id")))
        try:
            path = trees.plain_path(root, item["path"])
            mode = path.stat().st_mode
        except (OSError, KeyError, trees.TreeProblem) as error:
            yield Finding(*what, "fail", str(error), "data sets lie where the permit says")
            continue
        yield _judge(what, not mode & stat.S_IWOTH, f"mode {stat.S_IMODE(mode):o}", f"chmod -R o-w {path}")
        if not content.get("demonstration"):
            reachable = mode & stat.S_IROTH and all(top.stat().st_mode & stat.S_IXOTH for top in path.parents)
            yield _judge(("data", f"{item['id']} not for everybody"), not reachable, f"mode {stat.S_IMODE(mode):o}",
                         f"chmod -R o-rwx {path}: who can read it needs no permit", "warn")  # fmt: skip


def _software(root: Path) -> Iterator[Finding]:
    """Whether the packages of this environment are those of the lock files that the permit names."""
    try:
        names = sorted(permit.load(gate.places()[0]).content.get("environments", {}))
    except permit.PermitError:
        return
    for name in names:
        try:
            text = trees.plain_path(root, name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue  # told by `_permit`
        pins = dict(PIN.findall(text))
        if not pins:
            yield Finding("software", name, "ok", "no list of packages for this environment: not compared")
            continue
        installed = {NAME.sub("-", each.name).lower(): each.version for each in distributions()}
        wanted = {NAME.sub("-", package).lower(): version for package, version in pins.items()}
        other = sorted(f"{key} {installed[key]}" for key in wanted if installed.get(key, wanted[key]) != wanted[key])
        absent = sorted(key for key in wanted if key not in installed)
        found = f"{len(wanted) - len(other) - len(absent)} of {len(wanted)} packages as locked"
        found += "".join(
            f"; {what}: {', '.join(some[:5])}" for what, some in (("other", other), ("no", absent)) if some
        )
        state = "fail" if other else "warn" if absent else "ok"
        yield Finding("software", name, state, found, "" if state == "ok" else f"set up the environment of {name} anew")


def _register(root: Path) -> Iterator[Finding]:
    register = Register(site.place("register", root / DEFAULT))
    try:
        newest = register.newest()
    except RegisterError as error:
        yield Finding("register", "readable", "fail", str(error), "`spe audit verify`")
        return
    yield Finding("register", "entries", "ok", "none yet" if newest is None else f"{newest.index + 1}")
    if newest is not None:
        ahead = (permit.moment(newest.time) - datetime.now(UTC)).total_seconds()
        yield _judge(("clock", "not behind the register"), ahead < 60, f"{-ahead:.0f} s after its newest entry",
                     "set the clock: it was set back, or the register is from another machine")  # fmt: skip
        shared = register.log.stat().st_mode & 0o022
        yield _judge(("register", "permissions"), not shared, oct(register.log.stat().st_mode & 0o777), "chmod go-w")


def _disk(root: Path) -> Iterator[Finding]:
    for name, path in (("working directory", root), ("temporary files", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(path).free
        state = "fail" if free < SPACE_FAIL else "warn" if free < SPACE_WARN else "ok"
        yield Finding("disk", name, state, f"{free / 1e9:.1f} GB free", "" if state == "ok" else "make room")


def _profile(root: Path) -> Iterator[Finding]:
    """The profile that `--profile spe` finds from here."""
    from snakemake.common import get_appdirs  # noqa: PLC0415 - half a second, and only here

    folders = [root, Path(get_appdirs().user_config_dir), Path(get_appdirs().site_config_dir)]
    paths = [folder / "spe" / "profile.yaml" for folder in folders]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        yield Finding("profile", "spe", "warn", "none found", f"copy profiles/spe to {folders[-1]}, or use its path")
        return
    text = path.read_text(encoding="utf-8")
    yield _judge(("profile", "spe"), "executor: spe" in text and "enclosure import enter" in text, str(path),
                 "take profiles/spe of this repository: this one does not govern")  # fmt: skip


def table(findings: list[Finding]) -> str:
    """For people."""
    marks = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}
    lines = []
    for item in findings:
        lines.append(f"{marks[item.state]}  {item.area:9s} {item.check:38s} {canonical.plain(item.found)}")
        if item.remedy:
            lines.append(f"{'':17s}-> {item.remedy}")
    counts = {state: sum(item.state == state for item in findings) for state in marks}
    lines.append(f"{counts['ok']} ok, {counts['warn']} warnings, {counts['fail']} failures")
    return "\n".join(lines) + "\n"


def document(findings: list[Finding]) -> str:
    """For monitoring."""
    state = "fail" if any(item.state == "fail" for item in findings) else "ok"
    return json.dumps({"state": state, "findings": [asdict(item) for item in findings]}, indent=1) + "\n"
