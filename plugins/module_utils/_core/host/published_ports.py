# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether clients get in by the ports that a container publishes.

A container that is up and well can be out of reach: the engine's docker-proxy ended, a
firewall was loaded anew. So every published address is asked for a connection, as a client would.
"""

from __future__ import annotations

import ipaddress
import json
import os
import typing as t

from ..values.container import Port
from . import filesystem, machine
from .clock import Clock
from .places import Places

SECONDS = 30.0
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


class Way(t.NamedTuple):
    """One way in: an address and port of the host, and the container's port behind it."""

    address: str
    host: int
    container: int

    @property
    def target(self) -> str:
        """As people write it."""
        return f"{bracketed(self.address)}:{self.host}"


def ways(ports: t.Iterable[Port], own: t.Iterable[str]) -> list[Way]:
    """Every way in by published TCP ports. Pure.

    :param own: the host's addresses, which a port that is published on all of them has.
    """
    found = []
    for port in ports:
        if port.protocol != "tcp":
            continue
        given = ipaddress.ip_address(port.address)
        every = [LOOPBACK[given.version], *(a for a in own if ipaddress.ip_address(a).version == given.version)]
        addresses = every if given.is_unspecified else [port.address]
        found += [Way(address, port.host, port.container) for address in addresses]
    return list(dict.fromkeys(found))


def refused(ports: t.Sequence[Port], container: str, clock: Clock) -> tuple[str, ...]:
    """Ways in that take no connection although the container itself does.

    :param container: the container's own address.
    """
    if not ports or not container:
        return ()
    closed = [way for way in ways(ports, machine.own_addresses(clock)) if machine.connect_problem(way.target)]
    return tuple(way.target for way in closed if not machine.connect_problem(f"{bracketed(container)}:{way.container}"))


def given_up(state_dir: str, key: str) -> dict[str, list[str]]:
    """By container, ways in that it was made anew for in vain: something else refuses, and another would not help."""
    try:
        with open(Places(state_dir).refused(key), encoding="utf-8") as stream:
            found: dict[str, list[str]] = json.load(stream)
    except (FileNotFoundError, ValueError):
        return {}
    return found


def give_up(state_dir: str, key: str, ways_in: t.Mapping[str, t.Sequence[str]]) -> None:
    """Remember these, or where there are none, that all is well."""
    folder = Places(state_dir).refused()
    if ways_in:
        filesystem.private_folder(folder)
        filesystem.place(os.path.join(folder, key), json.dumps(ways_in), 0o600, folder)
    else:
        filesystem.discard(os.path.join(folder, key))


def bracketed(address: str) -> str:
    """An address as it stands before a port."""
    return f"[{address}]" if ":" in address else address
