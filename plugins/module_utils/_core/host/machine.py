# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of itself, read and not judged."""

from __future__ import annotations

import contextlib
import glob
import os
import platform
import re
import shutil
import socket
import typing as t

from ..values.errors import CommandFailure
from .clock import Clock
from .process import run

LISTENING = "0A"
REACH_SECONDS = 3.0
COMMAND_SECONDS = 10.0
BRIDGES = ("docker", "br-", "veth")
_SOCKET = re.compile(r"socket:\[(\d+)\]")


class Space(t.NamedTuple):
    """Room of a file system, in bytes and as a share of its inodes; None where it has no count of these."""

    path: str
    free: int
    inodes: float | None


def kernel() -> tuple[str, str]:
    """Release and machine, such as `6.1.0-28-amd64` and `x86_64`."""
    return platform.release(), platform.machine()


def distribution() -> tuple[str, bool]:
    """What the host calls itself (os-release(5)), and whether it has dpkg and apt."""
    said = "unknown"
    with contextlib.suppress(OSError), open("/etc/os-release", encoding="utf-8") as stream:
        for name, _equals, value in (line.partition("=") for line in stream):
            said = value.strip().strip("\"'") if name == "PRETTY_NAME" else said
    return said, all(map(shutil.which, ("dpkg-query", "apt-get")))


def memory() -> dict[str, int]:
    """Bytes by the names of /proc/meminfo (proc(5))."""
    with open("/proc/meminfo", encoding="ascii") as stream:
        rows = (line.split() for line in stream)
        return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


def space(path: str) -> Space:
    """Of the file system that a path is on, or would be on."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    facts = os.statvfs(path)
    inodes = facts.f_favail / facts.f_files if facts.f_files else None
    return Space(path, facts.f_bavail * facts.f_frsize, inodes)


def synchronized(clock: Clock) -> bool | None:
    """Whether systemd takes the clock for synchronized; None where it cannot be asked."""
    try:
        done = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], clock, COMMAND_SECONDS)
    except CommandFailure:
        return None
    return {"yes": True, "no": False}.get(done.out.strip())


def listeners(ports: t.Collection[int]) -> dict[int, str]:
    """Programs that listen on these TCP ports, by port; `a program` where the kernel does not tell which."""
    inodes: dict[str, int] = {}
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{table}", encoding="ascii") as stream:
            for row in (line.split() for line in stream):
                port = row[1].rpartition(":")[2]
                if row[3] == LISTENING and int(port, 16) in ports:
                    inodes[row[9]] = int(port, 16)
    owners = _owners(set(inodes)) if inodes else {}
    return {port: owners.get(inode, "a program") for inode, port in inodes.items()}


def _owners(inodes: t.Collection[str]) -> dict[str, str]:
    """Names of the processes that have these sockets open."""
    found = {}
    for path in glob.iglob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            match = _SOCKET.match(os.readlink(path))
            if match and match[1] in inodes:
                process = path.split("/")[2]
                with open(f"/proc/{process}/comm", encoding="utf-8") as stream:
                    found[match[1]] = f"{stream.read().strip()} ({process})"
    return found


def own_addresses(clock: Clock) -> list[str]:
    """The addresses of this host by which others reach it: not those of the engine's bridges, nor deprecated ones."""
    try:
        done = run(["ip", "-oneline", "address", "show", "scope", "global"], clock, COMMAND_SECONDS)
    except CommandFailure:
        return []
    rows = [row.split() for row in done.out.splitlines()]
    return [row[3].partition("/")[0] for row in rows if not row[1].startswith(BRIDGES) and "deprecated" not in row]


def resolved(name: str) -> list[str] | str:
    """Addresses that a name has, or why it has none."""
    try:
        rows = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except OSError as error:
        return error.strerror or str(error)
    except UnicodeError:  # an empty label, or one of more than 63 characters
        return "is no name that can be resolved"
    return sorted({str(row[4][0]) for row in rows})


def connect_problem(target: str) -> str:
    """Why `HOST:PORT` takes no connection; empty when it does."""
    host, _colon, port = target.rpartition(":")
    if not host or not port.isdecimal():
        return "says no port; write HOST:PORT"
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        return str(error)
    return ""
