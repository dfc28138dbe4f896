"""Runs a command in a root folder and namespaces of its own: ``inside.py WANTED READY``.

The user, mount, PID, IPC and UTS namespaces are new, and on request the network one. Nothing is
mounted outside of them, and when the command ends, so does every process that it started.
``WANTED`` and ``READY`` are descriptors: the second is written to when the user namespace is
there, and the first then has a JSON object, ``namespaces.Inside`` with the command. It imports the
standard library only, and nothing after the old root is gone.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import platform
import signal
import socket
import struct
import sys
from typing import Any

_NEW_USER, _NEW_MOUNTS, _NEW_PIDS = 0x10000000, 0x00020000, 0x20000000
_NEW_IPC, _NEW_UTS, _NEW_NETWORK = 0x08000000, 0x04000000, 0x40000000
_READ_ONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 32, 4096, 16384, 1 << 18
_DETACH = 2
CANNOT_MOUNT, NOT_EXECUTABLE = 125, 127
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(platform.machine(), -1)
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2",
          "ptmx": "pts/ptmx"}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        words = " ".join(a.decode() for a in arguments if isinstance(a, bytes))
        raise OSError(number, f"{name} {words}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), flags, options.encode())


def _bind(source: str, target: str) -> None:
    """Bind-mount a file or folder of this machine at another path, which is created."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "ab"):
            pass
    _mount(source, target, flags=_BIND | _RECURSIVE)


def _register(line: str) -> int:
    """Register an emulator in the user namespace; the descriptor that keeps it registered."""
    place, name = "/proc/sys/fs/binfmt_misc", line.split(":")[1]
    is_registered = os.path.exists(f"{place}/{name}")
    _mount("proc", "/proc", "proc")
    try:
        _mount("binfmt_misc", place, "binfmt_misc")
    except OSError:
        if is_registered:  # by this machine, for all namespaces
            return -1
        raise OSError(
            0, f"{name} needs Linux 6.7 or newer, or this machine to register it"
        ) from None
    with open(f"{place}/register", "wb") as file:
        file.write(line.encode())
    return os.open(f"{place}/status", os.O_RDONLY | os.O_CLOEXEC)


def _prepare_root(root: str, wanted: dict[str, Any]) -> str:
    """Mount the root and its contents; the folder to pivot to."""
    if wanted["discard"]:
        # What is written is in memory, and gone at the end.
        _mount("tmpfs", wanted["scratch"], "tmpfs")
        upper, work, merged = (f"{wanted['scratch']}/{name}" for name in ("upper", "work", "root"))
        for folder in (upper, work, merged):
            os.mkdir(folder)
        options = f"lowerdir={root},upperdir={upper},workdir={work},userxattr"
        _mount("overlay", merged, "overlay", options=options)
        root = merged
    else:
        _mount(root, root, flags=_BIND | _RECURSIVE)
    for source, target in wanted["binds"].items():
        if not target.startswith(("/tmp/", "/run/", "/dev/")):
            _bind(source, root + target)
    for name in wanted["memory"]:
        os.makedirs(root + name, exist_ok=True)
        _mount("tmpfs", root + name, "tmpfs", options="mode=1777" if name == "/tmp" else "mode=755")
    for source, target in wanted["binds"].items():
        if target.startswith(("/tmp/", "/run/")):
            _bind(source, root + target)
    if wanted["proc"]:
        os.makedirs(f"{root}/proc", exist_ok=True)
        _mount("proc", f"{root}/proc", "proc")
    if wanted["dev"]:
        os.makedirs(f"{root}/dev", exist_ok=True)
        _mount("tmpfs", f"{root}/dev", "tmpfs", options="mode=755")
        for name in _DEVICES:
            _bind(f"/dev/{name}", f"{root}/dev/{name}")
        for name, path in _LINKS.items():
            os.symlink(path, f"{root}/dev/{name}")
        for name, options in (("shm", "mode=1777"), ("pts", "newinstance,ptmxmode=0666,mode=620")):
            os.mkdir(f"{root}/dev/{name}")
            _mount(name, f"{root}/dev/{name}", "devpts" if name == "pts" else "tmpfs", 0, options)
    if wanted["read_only"]:
        _mount("none", root, flags=_REMOUNT | _BIND | _READ_ONLY)
    return root


def _enter(root: str) -> None:
    """Make a folder the root, and unmount the old root.

    After a chroot, programs inside could not make user namespaces of their own.
    """
    os.chdir(root)
    if _libc.syscall(_PIVOT_ROOT, b".", b".") != 0:
        raise OSError(ctypes.get_errno(), "pivot_root")
    _call("umount2", b".", _DETACH)
    os.chdir("/")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def _first_process(wanted: dict[str, Any]) -> int:
    """Process 1 of the PID namespace: mount, run the command, and collect orphans; its status."""
    _call("prctl", _END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    _mount("none", "/", flags=_RECURSIVE | _PRIVATE)
    if wanted["emulator"]:
        _register(wanted["emulator"])
    else:
        _mount("proc", "/proc", "proc")
    if not wanted["network"]:
        _call("unshare", _NEW_NETWORK)
        _loopback_up()
    if wanted["root"]:
        _enter(_prepare_root(wanted["root"], wanted))
    command = os.fork()
    if command == 0:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            os.chdir(wanted["folder"])
            os.execvpe(wanted["command"][0], wanted["command"], wanted["environment"])
        except OSError as error:
            os.write(2, f"{wanted['command'][0]}: {error.strerror}\n".encode())
            os._exit(NOT_EXECUTABLE)
    while True:
        process, status = os.wait()
        if process == command:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code


def main(wanted_at: int, ready_at: int) -> int:
    """Make the namespaces, have the caller map the users, and run."""
    _call("unshare", _NEW_USER | _NEW_MOUNTS | _NEW_PIDS | _NEW_IPC | _NEW_UTS)
    os.write(ready_at, b".")
    os.close(ready_at)
    with open(wanted_at, "rb") as file:
        wanted = json.load(file)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    _call("prctl", _END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)  # a new user would clear it
    first = os.fork()
    if first == 0:
        try:
            os._exit(_first_process(wanted))
        except OSError as error:
            os.write(2, f"namespaces: {error.strerror}\n".encode())
            os._exit(CANNOT_MOUNT)
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) % 256


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
