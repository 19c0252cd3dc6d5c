# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that Traefik holds in middlewares, after it chose their server and before it dials it.

A request keeps the routes that it came by. So after a switch some may still be on their
way to the old release, of which no connection tells: their user is being authenticated, say. What asks somebody else
over plain HTTP is counted where it is, in the questions that Traefik waits for an answer to. Other middlewares that
hold say nothing; they are given the time that they may take, within `drain.timeout`. What they held at its end cannot
be told, and is no number of requests.
"""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from ..host.clock import Clock
from ..host.socket_diag import Diag
from ..values.identity import Document

# Seconds for which a middleware may hold a request: Traefik's own deadline for whoever is asked, and for a body that is
# awaited as a whole (`readTimeout`); what is delayed at most. What only computes takes well below a second for a
# password's hash. A plugin may do anything; it is given what somebody nearby needs for an answer.
HOLDS = {
    "forwardAuth": 30.0,
    "rateLimit": 1.0,
    "buffering": 60.0,
    "basicAuth": 1.0,
    "digestAuth": 1.0,
    "plugin": 5.0,
}
# Seconds in which a name is looked up and a question is on its way, as no connection tells of that.
UNSEEN = 0.25


class Holds(t.NamedTuple):
    """What a chain of middlewares holds: ports that are asked in plain HTTP, one after the other, and seconds more."""

    ports: tuple[int, ...] = ()
    seconds: float = 0.0


def holds(names: t.Iterable[str], find: t.Callable[[str], t.Optional[Document]]) -> Holds:
    """What these middlewares hold, those of chains included.

    :param find: what Traefik says of a middleware by name.
    """
    ports: list[int] = []
    seconds, waiting, seen = 0.0, list(names), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        facts = find(name) or {}
        waiting += (facts.get("chain") or {}).get("middlewares", ())
        port = _asked((facts.get("forwardAuth") or {}).get("address", ""))
        if port is not None:
            ports.append(port)
        else:
            seconds += sum(longest for kind, longest in HOLDS.items() if kind in facts)
    return Holds(tuple(ports), seconds)


def _asked(address: str) -> int | None:
    """The port that is asked in plain HTTP, where one connection carries one question at a time."""
    url = urlsplit(address)
    return (url.port or 80) if url.scheme == "http" else None


class Held:
    """Counts the requests that were held when it was made, and still are; where it is `unsure`, there may be more.

    With several that ask, one after the other, a request may have moved on to the next: then what that one was asked
    until now has to be answered, too.

    :param diag: a look at Traefik's connections; without one, the longest time passes.
    """

    def __init__(self, what: Holds, clock: Clock, diag: Diag | None) -> None:
        self._clock, self._diag, self._ports = clock, diag, set(what.ports)
        self._stages = len(what.ports) if diag is not None else 0
        self._unsure = True
        now = self._since = clock.monotonic()
        asked = HOLDS["forwardAuth"] * len(what.ports)
        self._longest = now + what.seconds + asked
        self._passed = now + what.seconds + (asked if diag is None else 0.0)

    def __call__(self) -> int:
        """How many there are, of those that can be told."""
        now = self._clock.monotonic()
        waiting = self._waiting(now) if self._stages and now < self._longest else 0
        if self._stages and not waiting and now - self._since >= UNSEEN:
            self._stages, self._since = self._stages - 1, now
        self._unsure = now < self._passed or (self._stages > 0 and now < self._longest)
        return waiting

    def unsure(self) -> bool:
        """Whether there may have been others when they were counted."""
        return self._unsure

    def _waiting(self, now: float) -> int:
        """Questions that were asked before this stage began, and have no answer."""
        rows = self._diag.connections() if self._diag is not None else []
        age = (now - self._since - UNSEEN) * 1000
        return sum(row.waits and row.sent >= age for row in rows if row.remote_port in self._ports)
