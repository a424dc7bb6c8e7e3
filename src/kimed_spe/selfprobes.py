"""A few escapes that `spe doctor` tries from inside a box; run as a program there, it prints name -> escaped as JSON.

The full set is the project's test suite (tests/spe); these need nothing but Python and find a broken kernel or set-up.
"""

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_USER_NAMESPACE = 0x10000000
VSOCK = 40


def _reaches_host(port: str) -> bool:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=1):
        return True


def _reaches_socket(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.connect(path)
        return True


def _reaches_hypervisor(_: str) -> bool:
    with socket.socket(VSOCK, socket.SOCK_STREAM):
        return True


def _reads(path: str) -> bool:
    return Path(path).read_text() != ""


def _writes(path: str) -> bool:
    with Path(path).open("a"):
        return True


def _sees_process(pid: str) -> bool:
    return Path(f"/proc/{pid}/cmdline").read_bytes() == b"" or int(pid) in map(int, _processes())


def _processes() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def _makes_namespace(_: str) -> bool:
    return bool(LIBC.unshare(NEW_USER_NAMESPACE) == 0)


def _has_capabilities(_: str) -> bool:
    lines = Path("/proc/self/status").read_text().splitlines()
    return any(line.startswith(("CapEff", "CapBnd")) and int(line.split()[1], 16) for line in lines)


def _has_secret(name: str) -> bool:
    return name in os.environ


PROBES: dict[str, Callable[[str], bool]] = {
    "host service by TCP": _reaches_host,
    "host service by Unix socket": _reaches_socket,
    "hypervisor by VSOCK": _reaches_hypervisor,
    "undeclared file": _reads,
    "declared input is writable": _writes,
    "software is writable": _writes,
    "kernel setting is writable": _writes,
    "process of the host": _sees_process,
    "user namespace": _makes_namespace,
    "capabilities": _has_capabilities,
    "environment variable": _has_secret,
}


def main() -> None:
    """Try what standard input asks for (name -> argument)."""
    escaped = {}
    for name, argument in json.load(sys.stdin).items():
        try:
            escaped[name] = PROBES[name](argument)
        except OSError:
            escaped[name] = False
    json.dump(escaped, sys.stdout)


if __name__ == "__main__":
    main()
