# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a Compose project hands the host to a container, and is refused without `unsafe`.

The host's network, IPC and cgroup namespaces, host ports and plain character devices are no walls of the platform's:
they are what many projects are for.
"""

from __future__ import annotations

import os
import typing as t

from ..host.host_access import REMEDY, HostAccess, device, is_root
from ..values.errors import InvalidOption
from ..values.identity import Document

_HARMLESS_OPTIONS = ("no-new-privileges", "label=user", "label=role", "label=type", "label=level")
# File systems that bring nothing of this host; bind mounts are judged by their path.
_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "tmpfs")
Found = t.Iterator[t.Tuple[str, str]]
"""Options that break a wall, and why."""


def refuse_project(walls: HostAccess, model: Document, kept: str, outside: t.Iterable[str] = ()) -> None:
    """Refuse a Compose project of which a part breaks a wall.

    :param model: the file that Compose is run with.
    :param kept: where the files of its source are, which it mounts.
    :param outside: files of the host that are copied to there, or read.
    :raises InvalidOption: names service and option.
    """
    copied = ((path, walls.broken_by(path, read_only=True), REMEDY) for path in outside)
    for where, why, remedy in (*_of_project(walls, model, kept), *(found for found in copied if found[1])):
        raise InvalidOption("compose", where, f"would hand the host to the container: it {why}", remedy)


def _of_project(walls: HostAccess, model: Document, kept: str) -> t.Iterator[tuple[str, str, str]]:
    """The same, and what to do instead."""
    for name, facts in sorted((model.get("services") or {}).items()):
        for find in (_of_modes, _of_rights, _of_devices):
            yield from ((f"services.{name}.{option}", why, REMEDY) for option, why in find(facts))
        binds = [mount for mount in facts.get("volumes") or () if mount.get("type") == "bind"]
        for mount in binds:
            asked = (str(mount.get("source") or ""), bool(mount.get("read_only")), kept)
            why = walls.broken_by(*asked)
            if why:
                yield f"services.{name}.volumes", f"{why} ({mount['source']})", walls.way_out(*asked)
    yield from ((option, why, REMEDY) for option, why in _of_files(walls, model, kept))


def _of_files(walls: HostAccess, model: Document, kept: str) -> Found:
    """Files and devices of the host that the project's parts are made of."""
    for kind in ("configs", "secrets"):
        for name, entry in sorted((model.get(kind) or {}).items()):
            path = str((entry or {}).get("file") or "")
            why = walls.broken_by(path, read_only=True, kept=kept) if path else ""
            if why:
                yield f"{kind}.{name}.file", why
    for name, entry in sorted((model.get("volumes") or {}).items()):
        why = _of_volume(walls, entry or {})
        if why:
            yield f"volumes.{name}.driver_opts", why


def _of_volume(walls: HostAccess, entry: Document) -> str:
    """Why a named volume is a wall: what the engine's own driver mounts for it is any mount that root can make."""
    given = {str(name).lower(): str(value or "") for name, value in (entry.get("driver_opts") or {}).items()}
    path, options = given.get("device", ""), given.get("o", "").split(",")
    binds = any(option.strip() in ("bind", "rbind") for option in options)
    named = [part for option in options for part in option.partition("=")[2].split(":") if part.startswith("/")]
    why = next(filter(None, (walls.broken_by(part, read_only=True) for part in named)), "")
    if binds or path.startswith("/"):  # what is no absolute path begins where the engine runs
        absolute = os.path.join("/", path)
        why = why or walls.broken_by(absolute, read_only=False) or device(absolute)
    plain = entry.get("driver") not in (None, "", "local") or not (given.get("type") or path)
    if not (why or binds or plain or given.get("type") in _REMOTE):
        why = f"mounts a file system of type {given.get('type') or 'none'}"
    return why


def _of_modes(facts: Document) -> Found:
    """Whose namespaces, mounts and programs a service shares."""
    for option in ("pid", "userns_mode"):
        mode = str(facts.get(option) or "")
        if mode == "host" or mode.startswith("container:"):
            yield option, f"shares what is {mode}'s"
    for given in facts.get("volumes_from") or ():
        if str(given).startswith("container:"):
            yield "volumes_from", "mounts what a container mounts that is none of the project's"
    if facts.get("use_api_socket"):
        yield "use_api_socket", "is the socket of an engine"
    if facts.get("provider"):
        yield "provider", "is a program that Compose runs on the host"


def _of_rights(facts: Document) -> Found:
    """What the kernel lets a service do."""
    if facts.get("privileged"):
        yield "privileged", "takes every wall away"
    for name in facts.get("cap_add") or ():
        if is_root(name):
            yield "cap_add", f"has {name}"
    for text in facts.get("security_opt") or ():
        if not str(text).replace(":", "=").startswith(_HARMLESS_OPTIONS):
            yield "security_opt", f"says {text}"
    for hook in ("post_start", "pre_stop"):
        if any((row or {}).get("privileged") for row in facts.get(hook) or ()):
            yield hook, "has a privileged command"


def _of_devices(facts: Document) -> Found:
    for row in facts.get("devices") or ():
        path = str(row.get("source") if isinstance(row, dict) else row).partition(":")[0]
        why = device(path) if path.startswith("/") else ""
        if why:
            yield "devices", why
    for rule in facts.get("device_cgroup_rules") or ():
        kind, _blank, numbers = str(rule).strip().partition(" ")
        if kind != "c" or numbers.split(":")[0] in ("*", "1"):
            yield "device_cgroup_rules", f"says {rule}"
