# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many connections to a container are open.

The count is read from the kernel's socket table of the container's network namespace (proc(5), /proc/PID/net/tcp).
"""

from __future__ import annotations

import typing as t

# Established; begun by the other side; ended by this side, but with data that the other one has not yet got.
OPEN = ("01", "03", "04")


class DrainResult(t.NamedTuple):
    """How a drain ended: connections that outlived `timeout`, those cut at the end, and whether there may be others."""

    outlived: int
    cut: int
    unsure: bool = False


class Sockets:
    """Counts open connections to local ports, over the network namespaces of some processes.

    For a table of sockets the kernel walks those of every namespace (5 ms on a small host), so one that its counters
    say is empty is not read. The counters tell no more: one listener less and one connection more are the same to them.

    :param ports: of each process, by its id, the ports that are meant.
    """

    def __init__(self, ports: t.Mapping[int, t.Collection[int]], proc: str = "/proc") -> None:
        self._ports = {f"{proc}/{pid}/net/{table}": set(ports[pid]) for pid in ports for table in ("tcp", "tcp6")}

    def __call__(self) -> int:
        """How many there are now."""
        return sum(_open(path, ports) for path, ports in self._ports.items() if _in_use(path))


def _open(path: str, ports: t.Collection[int]) -> int:
    rows = (line.split(None, 4) for line in _lines(path)[1:])
    return sum(row[3] in OPEN and int(row[1].rpartition(":")[2], 16) in ports for row in rows)


def _in_use(path: str) -> int:
    """Sockets of a table, listeners included, by the kernel's counters (proc(5), /proc/PID/net/sockstat)."""
    folder, _slash, table = path.rpartition("/")
    for line in _lines(f"{folder}/{'sockstat' if table == 'tcp' else 'sockstat6'}"):
        words = line.split()
        if words[0] == f"{table.upper()}:":
            return int(words[words.index("inuse") + 1])
    return 0


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.readlines()
    except OSError:
        return []  # the process ended, and its connections with it
