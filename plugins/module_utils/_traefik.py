# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that tells Traefik anything: one route file a workload, confirmed by what Traefik's API says of it.

Private to tidegate.platform. Traefik v3.
"""

from __future__ import annotations

import copy
import json
import os
import typing as t

from ._clock import Clock, attempts
from ._declared import Document
from ._errors import ProxyFailure
from ._route_files import RouteFiles
from ._routing import problems
from ._traefik_api import Api, Look, Shared, differs

# Seconds that Traefik may be silent before a deployment begins; it may just be being replaced by its own role.
PATIENCE = 5.0
# Seconds between two moments at which the changes of a batch are placed: short beside a deployment, and no longer than
# what Traefik needs to build its routes anew for each of the others.
PACE, PACE_EACH = 1.0, 0.03
# Seconds from such a moment until all of them are in place, and from then until Traefik may have taken them.
GATHERING, TAKING = 0.1, 0.05
FIRST_LOOK = 0.005
# Seconds for which an answer of Traefik's says that it is there, to all of a batch.
FRESH = 1.0


class Traefik:
    """The files that Traefik reads and the API that says what it made of them.

    :param routes_dir: the directory of the file provider; only the platform writes it.
    :param api: base URL of the API, on loopback.
    :param timeout: seconds that a change may take until Traefik serves it.
    """

    def __init__(self, routes_dir: str, api: str, timeout: float, clock: Clock) -> None:
        self.files = RouteFiles(routes_dir)
        self.timeout = timeout
        self.clock = clock
        self.api = Api(api, timeout)
        self._pending: set[str] | None = None
        self._shared = Shared(self.api, clock)

    def paced(self, pending: set[str]) -> Traefik:
        """The same for one of many changes: those of about the same time are placed and confirmed in one go.

        Traefik builds all its routes anew at every change, so that fifty at once cost little more than one. The beat is
        the host's own monotonic clock, which all threads and processes share.

        :param pending: whose routes may yet be changed; shared by all of the batch, and left by each in turn.
        """
        other = copy.copy(self)
        other._pending = pending
        return other

    def read(self, key: str) -> Document | None:
        """The routing document in place; one that is not ours, or not announced, equals nothing."""
        return self.files.read(key)

    def require(self) -> None:
        """Fail early when Traefik cannot confirm anything.

        :raises ProxyFailure: no directory, or no answer from the API.
        """
        directory = self.files.directory
        if not os.path.isdir(directory) or os.path.islink(directory):
            raise ProxyFailure(
                "is not a directory", subject=directory, remedy="Run the traefik role, or set routes_dir."
            )
        limit = min(self.timeout, PATIENCE)
        self._await("", self._absent, limit)

    def place(self, key: str, doc: Document) -> None:
        """Write the route file, then wait until Traefik serves exactly it.

        :raises ProxyFailure: invalid, not writable, or not confirmed in time.
        """
        wrong = problems(doc)
        if wrong:
            raise ProxyFailure(f"not written, because {'; '.join(wrong)}", subject=self.files.path(key))
        self._wait_for_the_beat(key)
        # JSON is YAML; a JSON text needs no library on the host and no quoting rules.
        self.files.place(key, json.dumps(doc, indent=1, sort_keys=True) + "\n")
        self._done(key)
        self._pause(key, GATHERING)
        self.files.announce()
        self._pause(key, TAKING)
        self._await(key, lambda: differs(doc["http"], self._look()))

    def withdraw(self, key: str) -> None:
        """Remove the route file, then wait until Traefik has forgotten it."""
        routers = (self.read(key) or {}).get("http", {}).get("routers", {})
        self.files.remove(key)
        self.files.announce()
        if not self._answers():
            return  # nobody routes anything, and the file is gone
        self._await(
            key, lambda: next((f"router {r} is still there" for r in routers if self._look()("routers", r)), "")
        )

    def _wait_for_the_beat(self, key: str) -> None:
        """All of a batch that come until a beat are placed at it. Beats halve: a long one ends with a short one."""
        others, beat = self._others(key), PACE
        while beat > PACE_EACH * others > 0:
            beat /= 2
        self._pause(key, beat - self.clock.monotonic() % beat)

    def _pause(self, key: str, seconds: float) -> None:
        """Wait, if there is anybody to wait for."""
        if self._others(key):
            self.clock.sleep(seconds)

    def _others(self, key: str) -> int:
        return len(self._pending) - (key in self._pending) if self._pending else 0

    def _done(self, key: str) -> None:
        if self._pending:
            self._pending.discard(key)

    def _answers(self) -> bool:
        try:
            self.api.version()
        except ProxyFailure:
            return False
        return True

    def _absent(self) -> str:
        if self._pending is not None:
            self._shared.since(self.clock.monotonic() - FRESH)
            return ""
        return "" if self.api.version() else "there is no API"

    def _look(self) -> Look:
        """How to see what Traefik has now."""
        return self._shared.since(self.clock.monotonic()) if self._pending is not None else self.api.look

    def _await(self, key: str, difference: t.Callable[[], str], seconds: float | None = None) -> None:
        """Ask until there is no difference; silence counts as one, because Traefik may be being replaced itself."""
        said, silence = "", None
        limit = self.timeout if seconds is None else seconds
        for _left in attempts(self.clock, limit, first=TAKING if self._others(key) else FIRST_LOOK, most=0.1):
            try:
                said, silence = difference(), None
            except ProxyFailure as error:
                silence = error
            if not said and silence is None:
                return
        if silence is not None:
            raise silence
        raise ProxyFailure(
            f"Traefik did not take it within {limit:g} s: {said}",
            subject=self.files.path(key),
            remedy="See Traefik's log; names of entry points, resolvers and middlewares must exist there.",
        )
