"""SLURM's accounting in a throw-away cluster: a MariaDB of its own and slurmdbd, both on the loop-back interface.

As the rest of the cluster it writes nothing outside of its folder, takes free ports, and is stopped by process number.
"""

import os
import secrets
import shutil
import socket
import subprocess

from slurm.cluster import Cluster, free_ports, install

PROGRAMS = ("slurmdbd", "sacct", "sacctmgr", "mariadbd", "mariadb-install-db", "mariadb")
PACKAGES = ("slurmdbd", "slurm-client", "mariadb-server")
ACCOUNT = "spe"
# jobacct_gather/linux samples memory; a second between two samples is the shortest.
CLUSTER = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge/socket
AccountingStoreFlags=job_comment
AccountingStorageEnforce=associations,limits,qos
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
"""
DAEMON = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser={user}
LogFile={folder}/log/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StoragePass={password}
StorageLoc=accounting
"""


class Accounted(Cluster):
    """A cluster whose jobs are accounted, and whose users need an account to submit."""

    def configuration(self) -> str:
        self.port, self.database_port = free_ports(2)
        self.password = secrets.token_hex(16)
        text = super().configuration()
        for name in ("JobAcctGatherType", "AccountingStorageType"):
            text = "\n".join(line for line in text.splitlines() if not line.startswith(name))
        return text + CLUSTER.format(port=self.port, folder=self.folder)

    def before_daemons(self) -> None:
        """MariaDB and slurmdbd; slurmctld wants to find them."""
        if not (self.folder / "database").exists():
            self._make_database()
        place = self.folder / "database"
        self._spawn(
            "mariadbd", "mariadbd", "--no-defaults", f"--datadir={place}", f"--socket={place}/socket",
            f"--port={self.database_port}", "--bind-address=127.0.0.1", f"--pid-file={place}/pid",
            f"--user={self.user}", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M",
            "--innodb-lock-wait-timeout=900",
        )  # fmt: skip
        self._wait(lambda: self._sql("SELECT 1"), "MariaDB")
        self._sql("CREATE DATABASE IF NOT EXISTS accounting")
        self._sql(f"GRANT ALL ON accounting.* TO 'slurm'@'127.0.0.1' IDENTIFIED BY '{self.password}'")
        self._spawn("slurmdbd", "slurmdbd", "-D")
        self._wait(self._answers, "slurmdbd")
        if not self.command("sacctmgr", "-nP", "list", "cluster"):
            for words in (
                ("add", "cluster", "test"), ("add", "account", ACCOUNT),
                ("add", "user", self.user, f"account={ACCOUNT}"),
            ):  # fmt: skip
                self.command("sacctmgr", "-i", *words)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _make_database(self) -> None:
        place = self.folder / "database"
        program = shutil.which("mariadb-install-db", path=self.environment["PATH"])
        command = [
            str(program), "--no-defaults", f"--datadir={place}", f"--user={self.user}",
            "--auth-root-authentication-method=normal", "--skip-test-db",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, env=os.environ | self.environment)
        text = DAEMON.format(
            folder=self.folder, host=socket.gethostname().split(".")[0], port=self.port, user=self.user,
            database=self.database_port, password=self.password,
        )  # fmt: skip
        path = self.folder / "slurmdbd.conf"
        path.touch(mode=0o600)
        path.write_text(text)

    def _sql(self, text: str) -> bool:
        command = ["mariadb", "--no-defaults", f"--socket={self.folder}/database/socket", "-u", "root", "-e", text]
        done = subprocess.run(command, capture_output=True, check=False, env=os.environ | self.environment)
        return done.returncode == 0

    def account(self, job: str) -> dict[str, dict[str, str]]:
        """What sacct says of a job, by its name of a step (`` of the job itself, `batch`)."""
        names = ("JobID", "State", "MaxRSS", "Comment", "NodeList", "ElapsedRaw", "JobName")
        text = self.command("sacct", "-nP", "--units=K", "-j", job, "-o", ",".join(names))
        rows = [dict(zip(names, line.split("|"), strict=True)) for line in text.splitlines()]
        return {row["JobID"].partition(".")[2]: row for row in rows}


def provide() -> None:
    """Install what accounting needs besides SLURM itself, where that is possible.

    Raises
    ------
    NoSlurm
        It is missing and cannot be installed.
    """
    install(PROGRAMS, PACKAGES)
