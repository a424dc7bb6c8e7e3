"""A real, throw-away SLURM on the loop-back interface: munge, controller, two nodes for processors, one with a GPU.

Nothing outside of its folder is written: configuration, keys and sockets are its own (SLURM_CONF names them), ports are
free ones, processes are stopped by the numbers that were recorded. Accounting is off; `accounting` has one with it.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo", "scontrol")
PACKAGES = ("munge", "slurmctld", "slurmd", "slurm-client")
NODES = ("cpu1", "cpu2", "gpu1")
SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin"
# SlurmdTimeout and KillWait are short so that a lost node is noticed within a test; the GPU is an empty file.
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1,defer_batch,batch_sched_delay=0
KillWait=2
MinJobAge=300
SlurmdTimeout=8
JobRequeue=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=cpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=8000 State=UNKNOWN
NodeName=cpu2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 RealMemory=8000 State=UNKNOWN
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[3]} CPUs=4 RealMemory=8000 Gres=gpu:fake:2
PartitionName=cpu Nodes=cpu[1-2] Default=YES MaxTime=1-0 DefaultTime=5 State=UP
PartitionName=gpu Nodes=gpu1 MaxTime=1-0 DefaultTime=5 State=UP
"""


class NoSlurm(RuntimeError):
    """It cannot be had here."""


def provide() -> None:
    """Install SLURM where that is possible and needed.

    Raises
    ------
    NoSlurm
        It is missing and cannot be installed, or this machine is part of a cluster, which tests leave alone.
    """
    if Path("/etc/slurm/slurm.conf").exists():
        raise NoSlurm(
            "/etc/slurm/slurm.conf is there: this machine belongs to a cluster, where no second one is started"
        )
    install(PROGRAMS, PACKAGES)


def install(programs: Sequence[str], packages: Sequence[str]) -> None:
    """Have programs, from packages of the system if they are missing.

    Raises
    ------
    NoSlurm
        They cannot be had.
    """
    if missing(programs) and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
            quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", *command], capture_output=True, check=False, env=quiet)
    if absent := missing(programs):
        raise NoSlurm(
            f"no {', '.join(absent)}, and no root with apt to install it: apt-get install {' '.join(packages)}"
        )


def missing(programs: Sequence[str]) -> list[str]:
    return [name for name in programs if not shutil.which(name, path=f"{os.environ['PATH']}:{SYSTEM}")]


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


@dataclass
class Cluster:
    """The running daemons; `environment` is what its commands need, `node_prefix` stands before those of nodes."""

    folder: Path
    node_prefix: Sequence[str] = ()
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": f"{os.environ['PATH']}:{SYSTEM}",
        }  # fmt: skip

    def start(self) -> None:
        for name in ("munge", "state", "log", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, mode=0o755)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        for number in range(2):
            (self.folder / f"fakegpu{number}").touch()
        (self.folder / "slurm.conf").write_text(self.configuration())
        (self.folder / "gres.conf").write_text(
            f"NodeName=gpu1 Name=gpu Type=fake File={self.folder}/fakegpu[0-1] Flags=nvidia_gpu_env\n"
        )
        self._start_daemons()
        self._wait(lambda: self.idle() == set(NODES), "all nodes")

    @property
    def user(self) -> str:
        return pwd.getpwuid(os.getuid()).pw_name

    def configuration(self) -> str:
        host = socket.gethostname().split(".")[0]
        return CONFIGURATION.format(host=host, user=self.user, folder=self.folder, ports=free_ports(4))

    def before_daemons(self) -> None:
        """Start what slurmctld wants to find; nothing without accounting."""

    def _start_daemons(self) -> None:
        place = self.folder / "munge"
        (place / "socket").unlink(missing_ok=True)
        # --force: folders below a world-writable /tmp are fine for a test.
        self._spawn(
            "munge", "munged", "--foreground", "--force", f"--key-file={place}/key", f"--socket={place}/socket",
            f"--pid-file={place}/pid", f"--log-file={place}/log", f"--seed-file={place}/seed",
        )  # fmt: skip
        self._wait((place / "socket").is_socket, "munge")
        self.before_daemons()
        self.start_controller()
        for node in NODES:
            self.start_node(node)

    def start_controller(self) -> None:
        self._spawn("slurmctld", "slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))

    def start_node(self, node: str) -> None:
        arguments = ("-D", "-f", str(self.folder / "slurm.conf"), "-N", node)
        self._spawn(node, "slurmd", *arguments, prefix=self.node_prefix)

    def kill(self, name: str) -> None:
        """SIGKILL for one daemon; what a node was running dies with it, as when its power fails."""
        process = self.processes.pop(name)
        children = self.steps(name) if name in NODES else []
        process.kill()
        process.wait()
        for pid in children:
            kill_tree(pid)

    def steps(self, node: str) -> list[int]:
        """Processes slurmstepd of a node: they write the log of its daemon. Others of this machine are not ours."""
        import psutil

        found = []
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "slurmstepd":
                try:
                    files = {file.path for file in process.open_files()}
                except psutil.Error:
                    continue
                if str(self.folder / "log" / f"slurmd-{node}.log") in files:
                    found.append(process.pid)
        return found

    def power_off(self) -> None:
        """SIGKILL for all daemons and all that nodes run, at once."""
        steps = [pid for node in NODES for pid in self.steps(node)]
        for process in self.processes.values():
            process.kill()
        for pid in steps:
            kill_tree(pid)
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def power_on(self) -> None:
        """Start what `power_off` ended, with the state that is on the disk."""
        self._start_daemons()
        self._wait(lambda: set(self.command("sinfo", "-h", "-N", "-o", "%N", check=False).split()) == set(NODES), "all")

    def node_of(self, job: str) -> str:
        return self.command("squeue", "-h", "-j", job, "-t", "all", "-o", "%N", check=False).strip()

    def stop(self) -> None:
        self.command("scancel", "-u", str(os.getuid()), check=False)
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def command(self, *words: str, check: bool = True) -> str:
        run = subprocess.run(
            words, env=os.environ | self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        if check and run.returncode:
            raise RuntimeError(f"{' '.join(words)}: {run.stderr}")
        return run.stdout

    def idle(self) -> set[str]:
        return set(self.command("sinfo", "-h", "-N", "-t", "idle", "-o", "%N", check=False).split())

    def queue(self) -> list[str]:
        """Jobs that wait or run: number, state, node, name."""
        return self.command("squeue", "-h", "-o", "%i %T %N %j").splitlines()

    def _spawn(self, name: str, program: str, *arguments: str, prefix: Sequence[str] = ()) -> None:
        path = shutil.which(program, path=self.environment["PATH"])
        with (self.folder / "log" / f"{name}.out").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*prefix, str(path), *arguments], env=os.environ | self.environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def _wait(self, ready, what: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not ready():
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            if dead or time.monotonic() > end:
                logs = [path.read_text(errors="replace")[-1500:] for path in (self.folder / "log").iterdir()]
                raise RuntimeError(f"SLURM: {what} not ready; ended: {dead}\n" + "\n".join(logs))
            time.sleep(0.1)


def kill_tree(pid: int) -> None:
    import psutil

    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
