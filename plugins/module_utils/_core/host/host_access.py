# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a container's mounts and capabilities hands the host to it, and is refused without `unsafe`.

A path is judged by where it leads to on this host, whatever it is called.
"""

from __future__ import annotations

import glob
import os
import stat
import typing as t

from ..values.errors import InvalidOption
from ..values.identity import Document

# Whoever reaches one of these is root on the host: engines, their parts, and the service manager.
SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/containerd/containerd.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/systemd/private",
    "/run/dbus/system_bus_socket",
    "/run/snapd.socket",
)
# Not even to be read: what others' secrets and data are in.
_PRIVATE = (
    "/proc",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/root/.ssh",
    "/var/backups/gshadow.bak",
    "/var/backups/shadow.bak",
    "/var/backups/tidegate",
)
# Not even to be read, but for the logs, which what collects them mounts.
_DATA, _LOGS = ("/var/lib/docker", "/var/lib/containerd"), "/var/lib/docker/containers"
# Not to be written: what the host starts, or whom it believes.
_SYSTEM = (
    "/bin",
    "/boot",
    "/etc",
    "/lib",
    "/lib64",
    "/run/systemd",
    "/run/udev",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/cloud",
    "/var/lib/docker",
    "/var/lib/dpkg",
    "/var/lib/systemd",
    "/var/spool/at",
    "/var/spool/cron",
)
# The same of every home: data beside it is its owner's matter.
_OF_HOMES = (
    ".bash_login",
    ".bash_profile",
    ".bashrc",
    ".config/systemd",
    ".gnupg",
    ".local/bin",
    ".profile",
    ".ssh",
    ".zshenv",
    ".zshrc",
)
# Mounted by many, often without saying that it is to be read only.
_CLOCK = ("/etc/localtime", "/etc/timezone")
# What of the platform's own state its proxy has, and what sites still serve of earlier releases: this alone is there to
# be mounted, and all but the first to be read.
_ACME, _OF_PROXY, _AUTHORITIES = "traefik/acme", ("routes", "sites", "traefik/certificates"), "traefik/ca"
_CAPABILITIES = {
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_MODULE",
    "SYS_RAWIO",
}
_MEMORY = ("/dev/mem", "/dev/kmem", "/dev/port")
REMEDY = "Remove it; reach the engine through a socket proxy. If it has to be, say so with unsafe=true."
_READ_ONLY = "Mount it read only. If it has to be written, say so with unsafe=true."
_PART = "Mount a part of it that has none of that, or another copy. If it has to be this, say so with unsafe=true."


class HostAccess:
    """The walls of one host.

    :param docker_host: its engine's address.
    """

    def __init__(self, state_dir: str, docker_host: str) -> None:
        own = docker_host.partition("unix://")[2]
        self.sockets = _real([*SOCKETS, *([own] if own else [])])
        self.state = os.path.realpath(state_dir)
        homes = ["/root", *glob.glob("/home/*")]
        keys = [path for home in homes for path in (f"{home}/.ssh", f"{home}/.gnupg") if os.path.isdir(path)]
        self.private = _real([*_PRIVATE, *keys])
        self.data = _real(_DATA)
        self.system = _real([*_SYSTEM, *(f"{home}/{name}" for home in homes for name in _OF_HOMES)])

    def socket(self, source: str) -> bool:
        """True for a path that is an engine's socket, under whatever name."""
        path = _leads_to(source)
        return path in self.sockets or any(_same(path, socket) for socket in self.sockets)

    def broken_by(self, source: str, read_only: bool, kept: str = "") -> str:
        """Why a path of the host may not be mounted; empty when it may.

        :param kept: a folder of the platform's own, whose content it mounts itself.
        """
        path = _leads_to(source)
        if kept and _within(path, os.path.realpath(kept)):
            return ""
        if self.socket(path):
            return "is the socket of an engine"
        above = [reached for reached in self.sockets if _within(reached, path)]
        shown = [private for private in self.private if _related(path, private)]
        if not _within(path, os.path.realpath(_LOGS)):
            shown += [data for data in self.data if _related(path, data)]
        shown += [self.state] if _related(path, self.state) and not self._of_proxy(path, read_only) else []
        clock = os.path.normpath(source) in _CLOCK
        written = [] if read_only or clock else [system for system in self.system if _related(path, system)]
        written += [path] if path == "/dev" and not read_only else []
        for what, found in (("has {} inside", above), ("shows {}", shown), ("lets it write {}", written)):
            if found:
                return what.format(found[0])
        return ""

    def way_out(self, source: str, read_only: bool, kept: str = "") -> str:
        """What to do instead, about a path that may not be mounted so: nothing is named that would be refused, too."""
        if not read_only and not self.broken_by(source, True, kept):
            return _READ_ONLY
        path = _leads_to(source)
        return REMEDY if any(_within(reached, path) for reached in self.sockets) or self.socket(source) else _PART

    def _of_proxy(self, path: str, read_only: bool) -> bool:
        """True for the parts of the state that the platform's own proxy and sites mount."""
        name = os.path.relpath(path, self.state)
        if _within(name, _ACME):
            return True
        authorities = name.startswith(_AUTHORITIES) and name.endswith(".pem")
        return read_only and (authorities or any(_within(name, known) for known in _OF_PROXY))


def refuse_capabilities(names: t.Iterable[str]) -> None:
    """Refuse those that make root in a container root of the host.

    :raises InvalidOption: names the first.
    """
    for name in names:
        if is_root(name):
            raise InvalidOption("cap_add", name, "would hand the host to the container", REMEDY)


def refuse_mounts(walls: HostAccess, volumes: t.Iterable[Document]) -> None:
    """Refuse bind mounts that break a wall; one whose `engine` says so may be a socket, and nothing else.

    :raises InvalidOption: names the source.
    """
    for volume in volumes:
        source = volume["source"]
        if not source.startswith("/"):
            continue
        if volume.get("engine") and walls.socket(source):
            continue
        if volume.get("engine"):
            cause = "goes only with the socket of an engine, such as /var/run/docker.sock"
            raise InvalidOption("volumes.engine", True, cause, "Leave it out.")
        why = walls.broken_by(source, bool(volume["read_only"]))
        if why:
            cause = f"would hand the host to the container: it {why}"
            raise InvalidOption("volumes.source", source, cause, walls.way_out(source, bool(volume["read_only"])))


def refuse_missing(sources: t.Iterable[str], state_dir: str) -> None:
    """Refuse bind mounts of what is not there: the engine would make an empty directory of it.

    :param state_dir: what is below is the platform's own, made when it is needed.
    :raises InvalidOption: names the source.
    """
    for source in sources:
        if source.startswith("/") and not _within(source, state_dir) and not os.path.exists(source):
            remedy = "Make it first (ansible.builtin.file), or correct the path."
            raise InvalidOption("volumes.source", source, "is not there to be mounted", remedy)


def device(path: str) -> str:
    """Why a device is a wall: a disk is every file on it, and memory is everything."""
    real = _leads_to(path)
    if real == "/dev":
        return "is every device"
    if real in _MEMORY:
        return f"is the host's memory ({path})"
    try:
        disk = stat.S_ISBLK(os.stat(real).st_mode)
    except OSError:
        return ""  # the engine refuses it
    return f"is a disk ({path})" if disk else ""


def is_root(capability: str) -> bool:
    """True for a capability that makes root in a container root of the host."""
    return str(capability).upper().removeprefix("CAP_") in _CAPABILITIES


def _leads_to(path: str) -> str:
    """Where a path leads to; what is behind a process's own links is that process's."""
    plain = "/" + os.path.normpath(path).lstrip("/")
    if _within(plain, "/proc"):
        return plain
    try:
        return os.path.realpath(plain)
    except OSError:  # a link that may not be read
        return plain


def _real(paths: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(os.path.realpath(path) for path in paths))


def _within(path: str, folder: str) -> bool:
    """True for a path that is a folder, or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _related(path: str, other: str) -> bool:
    return _within(path, other) or _within(other, path)


def _same(path: str, other: str) -> bool:
    """True for two names of one file: hard links and bind mounts have no other sign."""
    try:
        return os.path.samestat(os.stat(path), os.stat(other))
    except OSError:
        return False
