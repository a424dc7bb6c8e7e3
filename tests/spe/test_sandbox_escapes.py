"""Escapes from a job's box: every probe succeeds without the box and fails inside, from shell, script and notebook."""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from spe import probes, runs

KINDS = ("shell", "script", "notebook")
SNAKEFILE = """
rule all:
    input: expand("results/{kind}.json", kind=["shell", "script", "notebook"])

rule shell:
    input: x="data/x.txt", plan="data/plan.json"
    output: "results/shell.json"
    params: probes="scripts/probes.py"
    shell: "python {params.probes} {input.plan} {output}"

rule script:
    input: x="data/x.txt", plan="data/plan.json"
    output: "results/script.json"
    script: "scripts/probe_script.py"

rule notebook:
    input: x="data/x.txt", plan="data/plan.json"
    output: "results/notebook.json"
    log: notebook="logs/notebook.ipynb"
    notebook: "scripts/probe.py.ipynb"
"""
SCRIPT = "import probes\nprobes.main(snakemake.input.plan, snakemake.output[0])\n"
# What the box does not take away: these are open to anybody on this machine, or not there to be taken.
IPC_KEY = 0x4B490000 + os.getpid()


def notebook() -> str:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": SCRIPT, "id": "a"}
    language = {"language_info": {"name": "python"}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return json.dumps({"cells": [cell], "metadata": language, "nbformat": 4, "nbformat_minor": 5})


def serve(family: int, kind: int, address: object, answer: bytes) -> socket.socket:
    """A service of the host that answers everybody."""
    server = socket.socket(family, kind)
    server.bind(address)

    def loop() -> None:
        while True:
            try:
                if kind == socket.SOCK_DGRAM:
                    server.sendto(answer, server.recvfrom(512)[1])
                else:
                    connection, _ = server.accept()
                    connection.sendall(answer)
                    connection.close()
            except OSError:
                return

    if kind != socket.SOCK_DGRAM:
        server.listen(8)
    threading.Thread(target=loop, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, dict[str, str]]]]:
    """What every probe found, by way of running (`boxed`, `plain`) and kind of job."""
    base = tmp_path_factory.mktemp("escapes")
    sleeper = subprocess.Popen(["sleep", "600"])
    home = Path.home() / f".kimed-probe-{os.getpid()}"
    home.write_text("patient 4711")
    segment = ctypes.CDLL(None).shmget(IPC_KEY, 4096, 0o1666)
    servers = [
        serve(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), b"host service"),
        serve(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0), b"host service"),
        serve(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), b"pong"),
        serve(socket.AF_UNIX, socket.SOCK_STREAM, f"\0kimed-{os.getpid()}", b"host service"),
        serve(socket.AF_UNIX, socket.SOCK_STREAM, str(base / "s"), b"host service"),
    ]
    other = base / "other"
    other.mkdir()
    (other / "cohort.txt").write_text("patient 4711")
    try:
        result = {}
        for way in ("plain", "boxed"):
            project = runs.project(base / way)
            project.register.mkdir()
            # The boxed run has a real one, which its own permit decision begins.
            (project.register / "log.jsonl").write_text("{}" if way == "plain" else "")
            # papermill, with a Jupyter kernel of its own
            tools = Path(sys.executable).parent
            project.environment = {
                "PATH": f"{tools}:{os.environ['PATH']}", "PLANTED_SECRET": "hunter2", "PYTHONPATH": "",
            }  # fmt: skip
            plan = {
                "tcp": servers[0].getsockname()[1], "tcp6": servers[1].getsockname()[1],
                "udp": servers[2].getsockname()[1], "abstract": f"kimed-{os.getpid()}", "unix": str(base / "s"),
                "other_project": str(other / "cohort.txt"), "home": str(home),
                "register": str(project.register / "log.jsonl"), "key": str(project.site / "site/holder.pem"),
                "pid": sleeper.pid, "cmdline": "sleep\x00600\x00", "node": os.uname().nodename,
                "scratch": str(base / f"scratch-{way}"), "ipc_key": IPC_KEY,
                "no_disk": not [path for path in Path("/dev").iterdir() if path.is_block_device()],
            }  # fmt: skip
            for name, text in {
                "Snakefile": SNAKEFILE, "scripts/probes.py": Path(probes.__file__).read_text(),
                "scripts/probe_script.py": SCRIPT, "scripts/probe.py.ipynb": notebook(),
                "scripts/library.py": "", "data/x.txt": "x", "data/undeclared.txt": "secret",
                "results/earlier.txt": "first", "data/plan.json": json.dumps(plan),
            }.items():  # fmt: skip
                project.write(name, text)
            run = project.run(sandboxed=way == "boxed", timeout=200)
            assert run.returncode == 0, run.stdout
            result[way] = {kind: json.loads((project.root / f"results/{kind}.json").read_text()) for kind in KINDS}
            # Writing is judged by what is outside, not by what the job believes.
            snakefile = (project.root / "Snakefile").read_text()
            result[way]["outside"] = {"tampered": str("tampered" in snakefile)}
        yield result
    finally:
        for server in servers:
            server.close()
        sleeper.kill()
        sleeper.wait()
        home.unlink()
        ctypes.CDLL(None).shmctl(segment, 0, None)
        shutil.rmtree(base, ignore_errors=True)


# Without root, the kernel itself closes these; the proof that they are open without the box needs root.
ROOT_ONLY = {
    "write_system", "mount_tmpfs", "change_root", "device_node", "kernel_setting", "kernel_setting_memory",
    "capabilities", "namespace_mount", "kernel_bpf",
}  # fmt: skip
# Absent from some kernels and containers, whatever the user.
MAY_BE_ABSENT = {"network_ipv6", "network_vsock", "network_packet", "network_interfaces", "device_disk", "kernel_bpf"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", probes.PROBES)
def test_is_closed_inside_and_open_without(found: dict, name: str, kind: str):
    assert found["boxed"][kind][name].startswith("closed"), f"{name} from {kind}: escaped"
    without = found["plain"][kind][name]
    if name in MAY_BE_ABSENT and without != "open":
        return
    if name in ROOT_ONLY and os.geteuid() != 0:
        return
    assert without == "open", f"{name} proves nothing: {without}"


def test_nothing_outside_changed(found: dict):
    assert found["boxed"]["outside"]["tampered"] == "False"
    assert found["plain"]["outside"]["tampered"] == "True"
