# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends new connections to a published port somewhere else for a moment, by the host's packet filter.

Two containers cannot publish one port, so that while it changes hands a stand-in takes
what comes in. A rule decides for new connections only; established ones stay where they are (netfilter's connection
tracking). The rules are not kept: a reboot removes them, and the port's owner starts as always.

Both families, and IPv4's loopback addresses. What comes from those has to get a source that leads back, and the bridge
has to take it (route_localnet); a rule keeps others from reaching the host's loopback addresses by way of that setting.
Both stay, because established connections need them; the role traefik's `entry` does the same, and goes by both.
The kernel has no such setting for ::1, so that clients of ::1 are sent somewhere else only where the role traefik has
given them an address of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import shlex
import socket
import typing as t

from ..values.container import Port
from ..values.errors import EngineFailure
from . import process
from .clock import Clock

IPV4, IPV6 = "iptables", "ip6tables"
# The engine leaves this chain of the filter table to the host's owner, and asks it before its own rules
# (https://docs.docker.com/engine/network/packet-filtering-firewalls/). It is not there on every engine.
FORWARDED = "DOCKER-USER"
HAS_IPV6 = "/proc/net/if_inet6"
LOOPBACK = "127.0.0.0/8"
GUARD = "tidegate:loopback"


class Target(t.NamedTuple):
    """Addresses of the container that takes the connections, and where it has no IPv6, an empty one."""

    ipv4: str
    ipv6: str = ""


def whose(key: str, state_dir: str) -> str:
    """What a workload's rules go by: its key and its platform, of which a host may have several."""
    return f"{key}@{hashlib.sha256(os.path.realpath(state_dir).encode()).hexdigest()[:8]}"


def begin(key: str, ports: t.Iterable[Port], to: Target) -> None:
    """Send new connections for these ports to another container from now on; rules that do so already go last.

    :raises EngineFailure: the packet filter cannot be changed.
    """
    before = list(_found(key))
    for port in ports:
        if not _six(port):
            if covers_loopback(port):
                _open_loopback(to.ipv4)
            _insert(IPV4, rules(key, port, to.ipv4, _forwarded(IPV4)))
        elif to.ipv6 and os.path.exists(HAS_IPV6):
            _insert(IPV6, rules(key, port, to.ipv6, _forwarded(IPV6)))
    _delete(before)


def end(key: str) -> None:
    """Let new connections go where they went before; nothing to undo is fine."""
    _delete(_found(key))


def active(key: str) -> bool:
    """True while there is any rule of this: be it one that a run left which was killed between two of them."""
    return any(_found(key))


def covers_loopback(port: Port) -> bool:
    """True for a port that clients on the host reach by IPv4's loopback addresses."""
    address = ipaddress.ip_address(port.address)
    return not _six(port) and (address.is_unspecified or address.is_loopback)


def _six(port: Port) -> bool:
    return ":" in port.address


def rules(key: str, port: Port, address: str, forwarded: str) -> t.Iterator[list[str]]:
    """Rules that send a port's new connections to an address, as words behind the command. Pure.

    :param forwarded: chain of the filter table that lets them pass.
    """
    mark = ["-m", "comment", "--comment", _mark(key)]
    given = ipaddress.ip_address(port.address)
    own = ["-d", address, "-p", port.protocol, "--dport", str(port.container)]
    whole = [] if given.is_unspecified else ["-d", port.address]
    to_port = ["-p", port.protocol, "--dport", str(port.host), "-m", "addrtype", "--dst-type", "LOCAL"]
    host = f"[{address}]" if _six(port) else address
    target = ["-j", "DNAT", "--to-destination", f"{host}:{port.container}"]
    # First of all what lets them pass: a run that is killed in between must not leave connections that go nowhere.
    yield ["-t", "filter", "-I", forwarded, "1", *own, *mark, "-j", "ACCEPT"]
    for chain in ("PREROUTING", "OUTPUT"):
        outside = ["!", "-d", "::1"] if _six(port) and given.is_unspecified else []
        yield ["-t", "nat", "-I", chain, "1", *outside, *whole, *to_port, *mark, *target]
    if covers_loopback(port):
        yield ["-t", "nat", "-I", "POSTROUTING", "1", "-s", LOOPBACK, *own, *mark, "-j", "MASQUERADE"]


def _open_loopback(address: str) -> None:
    """Let connections from loopback addresses leave for this container, and nobody else's arrive there."""
    guard = ["PREROUTING", "!", "-i", "lo", "-d", LOOPBACK, "-m", "comment", "--comment", GUARD, "-j", "DROP"]
    if not any(GUARD in rule for rule in _rules(IPV4, "raw")):
        _run(IPV4, ["-t", "raw", "-I", *guard])
    device = _device(address)
    if device:
        with open(f"/proc/sys/net/ipv4/conf/{device}/route_localnet", "w", encoding="ascii") as stream:
            stream.write("1\n")


def _device(address: str) -> str:
    """The interface that leads to an address of a bridge, by the kernel's routes; empty where none does."""
    wanted = int(ipaddress.IPv4Address(address))
    with open("/proc/net/route", encoding="ascii") as stream:
        rows = [line.split() for line in stream][1:]
    for row in sorted(rows, key=lambda row: _number(row[7]), reverse=True):
        if _number(row[1]) == wanted & _number(row[7]):
            return row[0]
    return ""


def _number(text: str) -> int:
    """An address of /proc/net/route, in the host's order of bytes."""
    return socket.ntohl(int(text, 16))


def _forwarded(command: str) -> str:
    """The engine's chain for the host's owner; an engine that makes no rules itself has none."""
    return FORWARDED if any(rule[:2] == ["-N", FORWARDED] for rule in _rules(command, "filter")) else "FORWARD"


def _commands() -> tuple[str, ...]:
    return (IPV4, IPV6) if os.path.exists(HAS_IPV6) else (IPV4,)


def _found(key: str) -> t.Iterator[tuple[str, str, list[str]]]:
    """The workload's rules, each with its command and table; first those that send connections somewhere."""
    for command in _commands():
        for table in ("nat", "filter"):
            yield from ((command, table, rule) for rule in _own(command, key, table))


def _delete(found: t.Iterable[tuple[str, str, list[str]]]) -> None:
    for command, table, rule in found:
        _run(command, ["-t", table, "-D", *rule[1:]])


def _insert(command: str, all_rules: t.Iterable[list[str]]) -> None:
    for rule in all_rules:
        _run(command, rule)


def _own(command: str, key: str, table: str) -> list[list[str]]:
    """The workload's rules in a table, as `iptables -S` writes them: `-A CHAIN …`."""
    found: list[list[str]] = []
    with contextlib.suppress(EngineFailure) if command == IPV6 else contextlib.nullcontext():
        found = _rules(command, table)  # a kernel without this table of IPv6 has no rules in it
    marks = {_mark(key), _mark(key.partition("@")[0])}  # the second is that of earlier versions, for every platform
    return [rule for rule in found if rule[:1] == ["-A"] and marks.intersection(rule)]


def _rules(command: str, table: str) -> list[list[str]]:
    return [shlex.split(line) for line in _run(command, ["-t", table, "-S"]).splitlines()]


def _mark(key: str) -> str:
    return f"tidegate:{key}"


def _run(command: str, words: t.Sequence[str]) -> str:
    done = process.run([command, "-w", "10", *words], Clock(), 30)
    if done.code:
        remedy = "Install iptables and run as root, or set strategy to recreate."
        raise EngineFailure(f"refused {' '.join(words)}: {done.err.strip()}", subject=command, remedy=remedy)
    return done.out
