# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured drain: how many connections to a container are open. Private to tidegate.platform.

The count is read from the kernel's socket table of the container's network namespace (proc(5), /proc/PID/net/tcp).
Traefik closes idle connections to a workload after half a second, so that after that the count is the number of
requests in flight.
"""

from __future__ import annotations

import typing as t

from ._clock import Clock, attempts
from ._declared import Drain

ESTABLISHED = "01"
LISTENING = "0A"
# One reading of zero may fall between Traefik's choice of a server and its dial; two, this far apart, do not.
SETTLE_SECONDS = 0.1
ZEROS = 2


class Drained(t.NamedTuple):
    """How a drain ended: connections that outlived `timeout`, and those cut at the end."""

    outlived: int
    cut: int


class Sockets:
    """Counts established connections to a local port, over the network namespaces of some processes.

    A table that holds no listener for the port is read once only: the kernel walks all of its sockets, of every
    namespace, for each reading (5 ms on a small host).
    """

    def __init__(self, pids: t.Iterable[int], port: int, proc: str = "/proc") -> None:
        self.port = port
        self._tables = [f"{proc}/{pid}/net/{table}" for pid in pids for table in ("tcp", "tcp6")]

    def __call__(self) -> int:
        """How many there are now."""
        found = {path: [state for port, state in _sockets(path) if port == self.port] for path in self._tables}
        listening = [path for path, states in found.items() if LISTENING in states]
        busy = [path for path, states in found.items() if ESTABLISHED in states]
        self._tables = sorted({*listening, *busy}) if listening else self._tables
        return sum(states.count(ESTABLISHED) for states in found.values())


def _sockets(path: str) -> list[tuple[int, str]]:
    """Local port and state of every socket in a table of the kernel."""
    try:
        with open(path, encoding="ascii") as stream:
            rows = [line.split(None, 4) for line in stream.readlines()[1:]]
    except (FileNotFoundError, ProcessLookupError, OSError):
        return []  # the process ended, and its connections with it
    return [(int(row[1].rpartition(":")[2], 16), row[3]) for row in rows]


def drain(count: t.Callable[[], int], limits: Drain, clock: Clock) -> Drained:
    """Wait until nothing is in flight.

    What is still open after `timeout` cannot be told from an upgraded connection by its socket, and gets
    `upgraded_timeout`; both count from the begin.
    """
    begun, zeros, outlived = clock.monotonic(), 0, 0
    left_open = 0
    for _left in attempts(clock, limits.upgraded_timeout, first=SETTLE_SECONDS, most=SETTLE_SECONDS):
        left_open = count()
        zeros = 0 if left_open else zeros + 1
        if zeros >= ZEROS:
            return Drained(outlived, 0)
        if not outlived and clock.monotonic() - begun >= limits.timeout:
            outlived = left_open
    return Drained(outlived, left_open)
