"""What an attacker tries from inside a job. Each probe returns normally if the attempt succeeds, and raises if not.

Run as a program inside a job, or executed from a script or notebook; it writes one line of JSON: name -> what happened.
The target folder is planted by the test, outside of the job's inputs.
"""

import ctypes
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
PROBES = {}


def probe(function):
    PROBES[function.__name__] = function
    return function


def call(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def in_child(function):
    """In a process of its own with one thread, as unshare(2) wants it."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except BaseException:  # noqa: BLE001 - told by the exit status
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        raise PermissionError("refused in a child process")


@probe
def network_tcp(plan):
    with socket.create_connection(("127.0.0.1", plan["tcp"]), timeout=2) as connection:
        assert connection.recv(16) == b"host service"


@probe
def network_udp(plan):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(1)
        udp.sendto(b"ping", ("127.0.0.1", plan["udp"]))
        assert udp.recv(16) == b"pong"


@probe
def network_dns(plan):
    # A resolver is a UDP service; the planted one answers any question.
    query = struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0) + b"\x07example\x03com\x00\x00\x01\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(1)
        udp.sendto(query, ("127.0.0.1", plan["udp"]))
        assert udp.recv(512)


@probe
def network_ipv6(plan):
    with socket.create_connection(("::1", plan["tcp6"]), timeout=2) as connection:
        assert connection.recv(16) == b"host service"


@probe
def network_interfaces(plan):
    names = {name for _, name in socket.if_nameindex()}
    assert names - {"lo"}


@probe
def network_vsock(plan):
    socket.socket(40, socket.SOCK_STREAM).close()  # AF_VSOCK: a virtual machine's host, past network namespaces


@probe
def network_packet(plan):
    socket.socket(38, socket.SOCK_SEQPACKET).close()  # AF_ALG: kernel crypto, a frequent way to kernel bugs


@probe
def socket_abstract(plan):
    with socket.socket(socket.AF_UNIX) as unix:
        unix.connect("\0" + plan["abstract"])
        assert unix.recv(16) == b"host service"


@probe
def socket_path(plan):
    with socket.socket(socket.AF_UNIX) as unix:
        unix.connect(plan["unix"])
        assert unix.recv(16) == b"host service"


@probe
def read_other_project(plan):
    assert Path(plan["other_project"]).read_text() == "patient 4711"


@probe
def read_home(plan):
    assert Path(plan["home"]).read_text() == "patient 4711"


@probe
def read_environment(plan):
    assert os.environ["PLANTED_SECRET"]


@probe
def read_parent_environment(plan):
    # Snakemake and its shells are ancestors; the job's own process does not count.
    def holds(path):
        try:
            return b"PLANTED_SECRET" in path.read_bytes()
        except OSError:
            return False

    seen = [path for path in Path("/proc").glob("[0-9]*/environ") if path.parent.name != str(os.getpid())]
    assert any(holds(path) for path in seen)


@probe
def read_undeclared_input(plan):
    assert Path("data/undeclared.txt").read_text()


@probe
def read_sibling_output(plan):
    assert Path("results/earlier.txt").read_text()


@probe
def read_snakemake_records(plan):
    assert list(Path(".snakemake").rglob("*.snakemake.log"))


@probe
def read_host_accounts(plan):
    assert len(Path("/etc/passwd").read_text().splitlines()) > 3


@probe
def read_register(plan):
    assert Path(plan["register"]).read_text()


@probe
def read_permit_keys(plan):
    assert b"PRIVATE KEY" in Path(plan["key"]).read_bytes()


@probe
def read_host_name(plan):
    assert socket.gethostname() == plan["node"]


@probe
def see_processes(plan):
    assert Path(f"/proc/{plan['pid']}/cmdline").read_bytes() == plan["cmdline"].encode()


@probe
def signal_process(plan):
    os.kill(plan["pid"], 0)
    assert Path(f"/proc/{plan['pid']}/cmdline").read_bytes() == plan["cmdline"].encode()


@probe
def write_input(plan):
    with Path("data/x.txt").open("a") as file:
        file.write("tampered")


@probe
def write_input_by_chmod(plan):
    Path("data/x.txt").chmod(0o666)
    os.utime("data/x.txt")


@probe
def write_workflow(plan):
    with Path("Snakefile").open("a") as file:
        file.write("# tampered\n")


@probe
def write_script(plan):
    with Path("scripts/library.py").open("a") as file:
        file.write("# tampered\n")


@probe
def write_register(plan):
    with Path(plan["register"]).open("a") as file:
        file.write("{}\n")


@probe
def write_sibling_output(plan):
    with Path("results/earlier.txt").open("a") as file:
        file.write("tampered")
    # In a job's own folder the file is the job's own invention; it counts if it is the real one.
    assert "first" in Path("results/earlier.txt").read_text()


@probe
def write_outside(plan):
    (Path(plan["other_project"]).parent / "planted").write_text("x")


@probe
def write_working_directory(plan):
    Path("planted.txt").write_text("x")


@probe
def write_records(plan):
    Path(".snakemake/planted").write_text("x")


@probe
def write_system(plan):
    path = Path("/usr/local/planted_by_probe")
    path.write_text("x")
    path.unlink()


@probe
def write_software(plan):
    path = Path(sys.prefix) / "planted_by_probe"
    path.write_text("x")
    path.unlink()


@probe
def namespace_user(plan):
    in_child(lambda: call(LIBC.unshare(0x10000000)))


@probe
def namespace_by_clone(plan):
    # clone(CLONE_NEWUSER | SIGCHLD) leaves no trace of unshare(2)
    pid = call(LIBC.syscall(56, 0x10000000 | 17, 0, 0, 0, 0))
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


@probe
def namespace_mount(plan):
    in_child(lambda: call(LIBC.unshare(0x00020000)))


@probe
def capabilities(plan):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd"))
    assert int(line.split()[1], 16)


@probe
def new_privileges(plan):
    status = Path("/proc/self/status").read_text()
    assert "NoNewPrivs:\t1" not in status


@probe
def trace_child(plan):
    child = subprocess.Popen(["sleep", "5"])
    try:
        call(LIBC.ptrace(16, child.pid, 0, 0))  # PTRACE_ATTACH
    finally:
        child.kill()
        child.wait()


@probe
def keyring(plan):
    call(LIBC.syscall(248, b"user", b"planted", b"x", 1, -3))  # add_key to the session's keyring


@probe
def kernel_bpf(plan):
    call(LIBC.syscall(321, 0, ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1), 64), 64))


@probe
def kernel_io_uring(plan):
    os.close(call(LIBC.syscall(425, 1, ctypes.create_string_buffer(120))))


@probe
def mount_tmpfs(plan):
    folder = Path(plan["scratch"])
    folder.mkdir(parents=True, exist_ok=True)
    call(LIBC.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b""))
    LIBC.umount2(os.fsencode(folder), 2)


@probe
def change_root(plan):
    in_child(lambda: os.chroot("/"))


@probe
def device_node(plan):
    path = Path(plan["scratch"] + ".device")
    os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(8, 0))
    path.unlink()


@probe
def device_disk(plan):
    assert [path for path in Path("/dev").iterdir() if path.is_block_device()] or plan["no_disk"]


@probe
def kernel_setting(plan):
    path = Path("/proc/sys/kernel/core_pattern")
    path.write_text(path.read_text())


@probe
def kernel_setting_memory(plan):
    path = Path("/proc/sys/vm/overcommit_memory")
    path.write_text(path.read_text())


@probe
def control_group(plan):
    assert list(Path("/sys/fs/cgroup").iterdir())


@probe
def message_queue(plan):
    # System V shared memory of the host: with the planted key, a segment made outside is found
    call(LIBC.shmget(plan["ipc_key"], 0, 0))


def run_all(plan):
    found = {}
    for name, function in PROBES.items():
        try:
            function(plan)
            found[name] = "open"
        except BaseException as error:  # noqa: BLE001 - any failure is a closed door
            found[name] = f"closed: {type(error).__name__}: {error}"
    return found


def main(plan_path, result_path):
    plan = json.loads(Path(plan_path).read_text())
    result = {}
    thread = threading.Thread(target=lambda: result.update(run_all(plan)))
    thread.start()
    thread.join(60)
    Path(result_path).write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
