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

from . import _files
from ._clock import Clock, attempts
from ._declared import Document
from ._errors import ProxyFailure
from ._model import UNREADABLE
from ._routing import problems
from ._traefik_api import Api, Look, Shared, differs

# Seconds that Traefik may be silent before a deployment begins; it may just be being replaced by its own role.
PATIENCE = 5.0
# Seconds between two moments at which the changes of a batch are placed: short beside a deployment. At the end of a
# batch, when no other change would be waited for, less is enough.
PACE, LAST_PACE = 1.0, 0.1
FIRST_LOOK, FIRST_LOOK_PACED = 0.005, 0.1
# Seconds for which an answer of Traefik's says that it is there, to all of a batch.
FRESH = 1.0

Pace = t.Callable[[], float]


class Traefik:
    """The files that Traefik reads and the API that says what it made of them.

    :param routes_dir: the directory of the file provider; only the platform writes it.
    :param api: base URL of the API, on loopback.
    :param timeout: seconds that a change may take until Traefik serves it.
    """

    def __init__(self, routes_dir: str, api: str, timeout: float, clock: Clock) -> None:
        self.routes_dir = routes_dir
        self.timeout = timeout
        self.clock = clock
        self.api = Api(api, timeout)
        self.pace: Pace | None = None
        self._shared = Shared(self.api, clock)

    def paced(self, more: t.Callable[[], bool]) -> Traefik:
        """The same for one of many changes: those of about the same time are placed and confirmed in one go.

        Traefik builds all its routes anew at every change, so that fifty at once cost little more than one. The beat is
        the host's own monotonic clock, which all threads and processes share.

        :param more: tells whether further changes will begin.
        """
        other = copy.copy(self)
        other.pace = lambda: PACE if more() else LAST_PACE
        return other

    def path(self, key: str) -> str:
        """The route file of a workload."""
        return os.path.join(self.routes_dir, f"{key}.yml")

    def read(self, key: str) -> Document | None:
        """The routing document in place; one that is not ours reads as a document that equals nothing."""
        try:
            with open(self.path(key), encoding="utf-8") as stream:
                text = stream.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProxyFailure(f"cannot be read: {error.strerror}", subject=self.path(key)) from error
        try:
            found = json.loads(text)
        except ValueError:
            return {UNREADABLE: text}
        return found if isinstance(found, dict) and not problems(found) else {UNREADABLE: text}

    def require(self) -> None:
        """Fail early when Traefik cannot confirm anything.

        :raises ProxyFailure: no directory, or no answer from the API.
        """
        if not os.path.isdir(self.routes_dir) or os.path.islink(self.routes_dir):
            raise ProxyFailure(
                "is not a directory", subject=self.routes_dir, remedy="Run the traefik role, or set routes_dir."
            )
        limit = min(self.timeout, PATIENCE)
        self._await("", self._absent, limit)

    def place(self, key: str, doc: Document) -> None:
        """Write the route file, then wait until Traefik serves exactly it.

        :raises ProxyFailure: invalid, not writable, or not confirmed in time.
        """
        wrong = problems(doc)
        if wrong:
            raise ProxyFailure(f"not written, because {'; '.join(wrong)}", subject=self.path(key))
        # JSON is YAML; a JSON text needs no library on the host and no quoting rules.
        text = json.dumps(doc, indent=1, sort_keys=True) + "\n"
        if self.pace:
            beat = self.pace()
            self.clock.sleep(beat - self.clock.monotonic() % beat)
        try:
            _files.place(self.path(key), text, 0o644, os.path.dirname(self.routes_dir.rstrip("/")))
        except OSError as error:
            raise self._unwritable(key, error) from error
        self._confirm(key, doc)

    def withdraw(self, key: str) -> None:
        """Remove the route file, then wait until Traefik has forgotten it."""
        routers = (self.read(key) or {}).get("http", {}).get("routers", {})
        try:
            _files.remove(self.path(key))
        except OSError as error:
            raise self._unwritable(key, error) from error
        if not self._answers():
            return  # nobody routes anything, and the file is gone
        self._await(
            key, lambda: next((f"router {r} is still there" for r in routers if self._look()("routers", r)), "")
        )

    def _answers(self) -> bool:
        try:
            self.api.version()
        except ProxyFailure:
            return False
        return True

    def _absent(self) -> str:
        if self.pace:
            self._shared.since(self.clock.monotonic() - FRESH)
            return ""
        return "" if self.api.version() else "there is no API"

    def _look(self) -> Look:
        """How to see what Traefik has now."""
        return self._shared.since(self.clock.monotonic()) if self.pace else self.api.look

    def _unwritable(self, key: str, error: OSError) -> ProxyFailure:
        remedy = "Make the directory writable for root and free space on its file system."
        return ProxyFailure(f"cannot be written: {error.strerror}", subject=self.path(key), remedy=remedy)

    def _confirm(self, key: str, doc: Document) -> None:
        if self.pace:
            self.clock.sleep(FIRST_LOOK_PACED)  # nothing is there at once, and all of a beat look together
        self._await(key, lambda: differs(doc["http"], self._look()))

    def _await(self, key: str, difference: t.Callable[[], str], seconds: float | None = None) -> None:
        """Ask until there is no difference; silence counts as one, because Traefik may be being replaced itself."""
        said, silence = "", None
        limit = self.timeout if seconds is None else seconds
        for _left in attempts(self.clock, limit, first=FIRST_LOOK_PACED if self.pace else FIRST_LOOK, most=0.1):
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
            subject=self.path(key),
            remedy="See Traefik's log; names of entry points, resolvers and middlewares must exist there.",
        )
