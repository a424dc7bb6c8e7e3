"""The system-call filter of a job, as a classic BPF program for `bwrap --seccomp`.

Namespaces do not cover everything: AF_VSOCK reaches a virtual machine's host past the network namespace, keyrings and
perf events are shared by all processes of a user, and user namespaces widen the kernel's attack surface. The filter
answers such calls with an error, so that programs which merely probe for them go on.

Sources: seccomp(2), `struct sock_filter` of <linux/filter.h>, system-call numbers of <asm/unistd_64.h> (x86-64) and
<asm-generic/unistd.h> (AArch64); the choice of calls follows the default profiles of Docker and systemd's
`@system-service`.
"""

import errno
import os
import struct

# <linux/audit.h>: AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# call -> (x86-64, AArch64); calls that one of them lacks carry None
FORBIDDEN: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
}
SOCKET = (41, 198)
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (getifaddrs); all live inside the job's own network namespace.
FAMILIES = (1, 2, 10, 16)

# <linux/bpf_common.h>
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
# offsets in struct seccomp_data: number, architecture, low half of the first argument
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
# x32 calls on x86-64 carry this bit and would slip past comparisons with the numbers above.
_X32 = 0x40000000


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def program(machine: str | None = None) -> bytes | None:
    """Assemble the filter for this machine.

    Returns
    -------
    bytes or None
        None on an architecture whose numbers are not listed here; the caller refuses to run then.
    """
    machine = os.uname().machine if machine is None else machine
    if machine not in ARCHITECTURES:
        return None
    column = list(ARCHITECTURES).index(machine)
    calls = sorted(number for numbers in FORBIDDEN.values() if (number := numbers[column]) is not None)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, ARCHITECTURES[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, _ERROR | errno.ENOSYS),
    ]
    for number in calls:
        steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ERROR | errno.EPERM)]
    steps += [_step(_EQUAL, SOCKET[column], 1, 0), _step(_RETURN, _ALLOW), _step(_LOAD, _FIRST)]
    for family in FAMILIES:
        steps += [_step(_EQUAL, family, 0, 1), _step(_RETURN, _ALLOW)]
    steps.append(_step(_RETURN, _ERROR | errno.EAFNOSUPPORT))
    return b"".join(steps)
