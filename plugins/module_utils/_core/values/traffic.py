# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests come to a workload: its routes, its gate, its drain, its bake."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """One routing rule of a workload."""

    hosts: tuple[str, ...]
    path_prefix: str = "/"
    strip_prefix: bool = False
    priority: int | None = None
    entry_points: tuple[str, ...] = ()
    tls: bool = False
    resolver: str | None = None
    redirect_to: str | None = None
    middlewares: tuple[str, ...] = ()

    def claims(self) -> tuple[str, ...]:
        """What no other workload on the host may also route."""
        return tuple(f"{host}{self.path_prefix} on {entry}" for host in self.hosts for entry in self.entry_points)


@dataclass(frozen=True)
class Gate:
    """What a candidate has to show before traffic may go to it; `routed` is the port that routes send it to."""

    kind: str
    path: str = "/"
    port: int | None = None
    codes: tuple[tuple[int, int], ...] = ((200, 399),)
    host: str | None = None
    command: tuple[str, ...] = ()
    timeout: float = 2.0
    deadline: float = 60.0
    successes: int = 1
    window: float = 3.0
    routed: int | None = None


WINDOW = Gate("window")
"""What counts as healthy where nothing is asked: it runs for a while."""


@dataclass(frozen=True)
class Drain:
    """Seconds that open connections of the old release are given; see the option's documentation."""

    timeout: float = 30.0
    upgraded_timeout: float = 30.0


@dataclass(frozen=True)
class Bake:
    """Seconds for which the old release is kept after the switch, and what sends traffic back to it meanwhile.

    `error_ratio` is the share of answers with status 5xx by Traefik's metrics, judged from `requests` answers on.
    """

    seconds: float
    error_ratio: float | None = None
    requests: int = 20
