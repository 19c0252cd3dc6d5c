# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a Compose service that the engine refuses together, but Compose itself lets pass. Pure.

The engine says so only when it is to make the container, which is when others are gone.
"""

from __future__ import annotations

import typing as t

from ..values.errors import InvalidOption
from ..values.identity import Document

# What belongs to a network of a container's own; one that uses another container's has none.
_OWN_NETWORK = ("ports", "expose", "hostname", "links", "external_links", "dns", "extra_hosts", "mac_address")
_NOT_THE_HOSTS = ("links", "external_links", "mac_address")
# Settings of the kernel that belong to a namespace, by the option that may give the host's.
_SYSCTLS = {
    "network_mode": ("net.",),
    "ipc": ("kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue."),
    "uts": ("kernel.domainname",),
}
Found = t.Iterator[t.Tuple[str, str, str]]
"""An option, what it contradicts, and what to do."""


def refuse_conflicts(services: t.Mapping[str, Document]) -> None:
    """Refuse services that the engine would not make.

    :param services: as `docker compose config` writes them.
    :raises InvalidOption: names service, option and remedy.
    """
    for name, facts in sorted(services.items()):
        for find in (_of_network, _of_namespaces, _of_processors, _of_memory):
            for option, other, remedy in find(facts):
                raise InvalidOption("compose", f"services.{name}.{option}", f"contradicts {other}", remedy)
        _refuse_parts(name, facts)


def _refuse_parts(service: str, facts: Document) -> None:
    """Refuse a mount of a part of a volume.

    :raises InvalidOption: names service and target.
    """
    for mount in facts.get("volumes") or ():
        part = (mount.get("volume") or {}).get("subpath") if isinstance(mount, dict) else None
        if part:
            where = f"services.{service}.volumes, at {mount.get('target')}"
            cause = f"mounts the part {part!r} of a volume: engines before 26 mount all, and a backup holds no more"
            raise InvalidOption("compose", where, cause, "Declare a volume of its own for it, and copy the data over.")


def _of_network(facts: Document) -> Found:
    mode = str(facts.get("network_mode") or "")
    kind, _colon, whose = mode.partition(":")
    options = {"service": _OWN_NETWORK, "container": _OWN_NETWORK, "host": _NOT_THE_HOSTS}.get(kind, ())
    remedy = f"Move it to service {whose}, or remove network_mode." if kind == "service" else _instead("network_mode")
    yield from ((option, f"network_mode={mode}", remedy) for option in options if facts.get(option))


def _of_namespaces(facts: Document) -> Found:
    if facts.get("uts") == "host":
        yield from ((option, "uts=host", _instead("uts")) for option in ("hostname", "domainname") if facts.get(option))
    for option, prefixes in _SYSCTLS.items():
        for setting in facts.get("sysctls") or () if facts.get(option) == "host" else ():
            if str(setting).startswith(prefixes):
                yield f"sysctls.{setting}", f"{option}=host", _instead(option)


def _of_processors(facts: Document) -> Found:
    limits, _reservations = _resources(facts)
    if facts.get("cpus") or limits.get("cpus"):
        yield from ((option, "cpus", _instead("cpus")) for option in ("cpu_quota", "cpu_period") if facts.get(option))


def _of_memory(facts: Document) -> Found:
    limits, reservations = _resources(facts)
    limit = _bytes(facts.get("mem_limit") or limits.get("memory"))
    swap = _bytes(facts.get("memswap_limit"))
    if swap > 0 and swap < limit:
        yield "memswap_limit", "mem_limit, which is more", "It is memory and swap together: raise it, or set -1."
    if swap > 0 and not limit:
        yield "memswap_limit", "a mem_limit that is not set", "Set mem_limit, too, or remove it."
    if limit and _bytes(facts.get("mem_reservation") or reservations.get("memory")) > limit:
        yield "mem_reservation", "mem_limit, which is less", "Lower it, or raise mem_limit."


def _resources(facts: Document) -> tuple[Document, Document]:
    """What `deploy` limits and reserves."""
    resources = (facts.get("deploy") or {}).get("resources") or {}
    return resources.get("limits") or {}, resources.get("reservations") or {}


def _bytes(size: object) -> int:
    """A size as Compose writes it, which is a number of bytes; what is none is Compose's matter."""
    text = str(size or "0")
    return int(text) if text.lstrip("-").isdigit() else 0


def _instead(option: str) -> str:
    return f"Remove it, or {option}."
