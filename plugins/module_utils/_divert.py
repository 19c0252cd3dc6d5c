# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends new connections to a published port somewhere else for a moment, by the host's packet filter.

Private to tidegate.platform. Two containers cannot publish one port, so that while it changes hands a stand-in takes
what comes in. A rule decides for new connections only; established ones stay where they are (netfilter's connection
tracking). The rules are not kept: a reboot removes them, and the port's owner starts as always.

IPv4, and not the loopback addresses: what goes there is handled by the engine's own process, not by the packet filter.
"""

from __future__ import annotations

import ipaddress
import shlex
import typing as t

from . import _process
from ._clock import Clock
from ._declared import Port
from ._errors import EngineFailure
from ._options import passes_filter

COMMAND = ("iptables", "-w", "10")
# The engine leaves this chain of the filter table to the host's owner, and asks it before its own rules
# (https://docs.docker.com/engine/network/packet-filtering-firewalls/).
FORWARDED = "DOCKER-USER"


def begin(key: str, ports: t.Iterable[Port], address: str) -> None:
    """Send new connections for these ports to another container from now on.

    :param address: the container's own address.
    :raises EngineFailure: the packet filter cannot be changed.
    """
    end(key)
    for port in ports:
        if passes_filter(port):
            for rule in _rules(key, port, address):
                _run(rule)


def end(key: str) -> None:
    """Let new connections go where they went before; nothing to undo is fine."""
    for table in ("nat", "filter"):
        for rule in _own(key, table):
            _run(["-t", table, "-D", *rule[1:]])


def active(key: str) -> bool:
    """True while connections are sent somewhere else."""
    return bool(_own(key, "nat"))


def _rules(key: str, port: Port, address: str) -> t.Iterator[list[str]]:
    mark = ["-m", "comment", "--comment", _mark(key)]
    to_port = ["-p", port.protocol, "--dport", str(port.host)]
    every = ipaddress.ip_address(port.address).is_unspecified
    whole = ["!", "-d", "127.0.0.0/8"] if every else ["-d", port.address]
    for chain in ("PREROUTING", "OUTPUT"):
        local = ["-m", "addrtype", "--dst-type", "LOCAL"]
        target = ["-j", "DNAT", "--to-destination", f"{address}:{port.container}"]
        yield ["-t", "nat", "-I", chain, "1", *whole, *to_port, *local, *mark, *target]
    own = ["-d", address, "-p", port.protocol, "--dport", str(port.container)]
    yield ["-t", "filter", "-I", FORWARDED, "1", *own, *mark, "-j", "ACCEPT"]


def _own(key: str, table: str) -> list[list[str]]:
    """The workload's rules in a table, as `iptables -S` writes them: `-A CHAIN …`."""
    rules = [shlex.split(line) for line in _run(["-t", table, "-S"]).splitlines()]
    return [rule for rule in rules if rule[:1] == ["-A"] and _mark(key) in rule]


def _mark(key: str) -> str:
    return f"tidegate:{key}"


def _run(words: t.Sequence[str]) -> str:
    done = _process.run([*COMMAND, *words], Clock(), 30)
    if done.code:
        remedy = "Install iptables and run as root, or set strategy to recreate."
        raise EngineFailure(f"refused {' '.join(words)}: {done.err.strip()}", subject="iptables", remedy=remedy)
    return done.out
