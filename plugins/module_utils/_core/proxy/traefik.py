# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of routes that Traefik confirms: one route file a workload, told by what its API says of it.

Traefik v3.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import os
import typing as t

from ..host.clock import Clock, attempts
from ..values.errors import ProxyFailure, setting
from ..values.identity import Document
from .api import Api, Look, differs, gone
from .change import Change
from .group_commit import Round
from .questions import Ask, Question, as_written, asking, is_stamped, only, plain, with_questions
from .route_files import RouteFiles, as_text
from .routing_documents import problems

# Seconds that Traefik may be silent before a deployment begins; it may just be being replaced by its own role.
PATIENCE = 5.0
# Seconds after which Traefik is taken not to reach a server that it does not reach.
PATIENCE_WITH_A_SERVER = 2.0
# Seconds for which an answer of Traefik's says that it is there, to all of a batch.
FRESH = 1.0
# Seconds between two looks whether Traefik has taken a change, at first and at most; several take it longer.
FIRST_LOOK, FIRST_LOOK_AT_SEVERAL, MOST_LOOK = 0.005, 0.05, 0.1


class Reached(t.NamedTuple):
    """What became of a question to a server: whether Traefik was `asked` it, and `reached` the server; in words."""

    url: str
    asked: bool
    reached: bool
    said: str


class Traefik:
    """The files that Traefik reads and the API that says what it made of them. Threads may share one.

    :param routes_dir: the directory of the file provider; only the platform writes it.
    :param api: base URL of the API, on loopback.
    :param timeout: seconds that a change may take until Traefik serves it.
    """

    def __init__(self, routes_dir: str, api: str, timeout: float, clock: Clock) -> None:
        self.files = RouteFiles(routes_dir)
        self.timeout = timeout
        self.clock = clock
        self.api = Api(api, timeout)
        self._first: Round[Change] = Round(set())
        self._second: Round[Change] = Round(set())
        self._heard = float("-inf")
        self._seen: tuple[float, Look] | None = None

    def paced(self, pending: set[str]) -> Traefik:
        """The same for the threads of a batch: changes of about the same time are made and confirmed as one.

        Traefik builds all its routes anew at every change, so that fifty at once cost little more than one.

        :param pending: whose routes may yet be changed. A workload leaves it with its first change: what comes later,
            as the end of a hold does, waits for nobody. Only those that asked together are switched together.
        """
        other = copy.copy(self)
        other._first, other._second = Round(pending), Round(set())
        return other

    def read(self, key: str) -> Document | None:
        """The routing document in place; one that is not ours, or that Traefik does not have, equals nothing."""
        return self.files.read(key, functools.partial(self._serves, key))

    def _serves(self, key: str, doc: Document) -> bool:
        """Whether Traefik has a document. One that is away has none, and will read it when it comes back."""
        now, want = self.clock.monotonic(), plain(doc)
        try:
            if self._seen is None or now - self._seen[0] >= FRESH:
                self._seen = (now, self.api.snapshot())
            return not differs((as_written(key, want) if is_stamped(doc) else want)["http"], self._seen[1])
        except ProxyFailure:
            return True

    def require(self) -> None:
        """Fail early when Traefik cannot confirm anything.

        :raises ProxyFailure: no directory, or no answer from the API.
        """
        directory = self.files.directory
        if not os.path.isdir(directory) or os.path.islink(directory):
            raise ProxyFailure(
                "is not a directory", subject=directory, remedy=f"Run the traefik role, or set {setting('routes_dir')}."
            )
        if self.clock.monotonic() - self._heard < FRESH:
            return
        silence = ProxyFailure(
            "there is no API", subject=self.api.url, remedy=f"Enable it, or set {setting('traefik_api')}."
        )
        for _left in attempts(self.clock, min(self.timeout, PATIENCE), first=FIRST_LOOK, most=MOST_LOOK):
            try:
                if self.api.version():
                    self._heard = self.clock.monotonic()
                    return
            except ProxyFailure as error:
                silence = error
        raise silence

    def place(self, key: str, doc: Document) -> None:
        """Write the route file, then wait until Traefik serves exactly it.

        :raises ProxyFailure: invalid, not writable, or not confirmed in time.
        """
        whole = as_written(key, self._valid(key, doc))
        make = functools.partial(self.files.place, key, as_text(whole))
        self._change(key, Change(self.files.path(key), make, functools.partial(differs, whole["http"])))

    def ask(self, key: str, doc: Document, asks: t.Mapping[str, Ask], before: Document | None = None) -> list[Reached]:
        """Ask the servers of routes that are yet to be placed, each through Traefik; users get what they got.

        The questions are beside the routes in place. They stay there for `place` to take away, unless an answer is bad.

        :param asks: services whose servers are meant.
        :param before: what users are to get meanwhile, where the file in place is not readable.
        :raises ProxyFailure: invalid, not writable, or not confirmed in time.
        """
        door = self.api.door() if asks else None
        if asks and door is None:
            return [Reached(key, False, False, "its API does not say on which entry point it answers")]
        extra, questions = asking(self._valid(key, doc), asks, door, os.urandom(16).hex()) if door else ({}, [])
        if not questions:
            return []
        found = self.read(key)
        routed = found if found is None or "http" in found else before
        whole = as_written(key, with_questions(routed or {"http": {}}, extra))
        make = functools.partial(self.files.place, key, as_text(whole))
        # Routes in place may be such as Traefik does not take, which is what this deployment is to mend.
        difference = functools.partial(differs, only(whole)["http"])
        good = False
        try:
            self._change(key, Change(self.files.path(key), make, difference, switches=key))
            answers = [self._ask(question) for question in questions]
            good = all(answer.reached or not answer.asked for answer in answers)
            return answers
        finally:
            if not good:
                self._second.leave(key)
                self._end_of_questions(key, routed)

    def _valid(self, key: str, doc: Document) -> Document:
        wrong = problems(doc)
        if wrong:
            raise ProxyFailure(f"not written, because {'; '.join(wrong)}", subject=self.files.path(key))
        return doc

    def _ask(self, question: Question) -> Reached:
        """Ask a server until it is reached, or has had its time."""
        for _left in attempts(self.clock, PATIENCE_WITH_A_SERVER, first=FIRST_LOOK, most=MOST_LOOK):
            answer = self.api.ask(question)
            if answer.asked and answer.reached:
                break
        return Reached(question.url, *answer)

    def _end_of_questions(self, key: str, doc: Document | None) -> None:
        """Take questions out of a route file; nobody waits for it, and what stays there goes with the next change."""
        with contextlib.suppress(ProxyFailure):
            if doc is None:
                self.files.remove(key)
            else:
                self.files.place(key, as_text(as_written(key, doc)))
            self.files.announce()

    def unroute(self, key: str) -> None:
        """Remove the route file, then wait until Traefik, if there is one, has forgotten it."""
        routers = (self.files.document(key) or {"http": {}})["http"].get("routers", {})
        make = functools.partial(self.files.remove, key)
        self._change(key, Change(self.files.path(key), make, functools.partial(gone, routers), optional=True))

    def _change(self, key: str, change: Change) -> None:
        """Make a change, alone or in a group, and wait until it is done."""
        group = (self._second if self._second.expects(key) else self._first).join(key, change)
        if group is not None:
            self._carry_out(group)
        change.done.result()

    def _carry_out(self, group: list[Change]) -> None:
        try:
            if len(group) > 1:
                self._second.expect(change.switches for change in group if change.switches)
            self._confirm(self._announced(group))
        finally:
            for change in group:  # whatever happened, nobody waits for ever
                if not change.done.done():
                    change.fail(ProxyFailure("the change was not carried out", subject=change.path))

    def _announced(self, group: list[Change]) -> list[Change]:
        """Make the changes and tell Traefik; those of them that it was told of."""
        made = []
        for change in group:
            try:
                change.make()
                made.append(change)
            except ProxyFailure as error:
                change.fail(error)
        try:
            self.files.announce()
        except ProxyFailure as error:
            for change in made:
                change.fail(error)
            return []
        return made

    def _confirm(self, waiting: list[Change]) -> None:
        """Ask until all are done; silence counts as not done, because Traefik may be being replaced itself."""
        silence = None
        first = FIRST_LOOK
        if len(waiting) > 1:
            first = FIRST_LOOK_AT_SEVERAL
            self.clock.sleep(first)
        for _left in attempts(self.clock, self.timeout, first=first, most=MOST_LOOK):
            silence = self._look_for(waiting)
            waiting = [change for change in waiting if not change.done.done()]
            if not waiting:
                return
        remedy = (
            "See Traefik's log; names of entry points, resolvers and middlewares must exist there. Where the host "
            f"is only slow, raise {setting('traefik_timeout')}."
        )
        for change in waiting:
            cause = f"Traefik did not take it within {self.timeout:g} s: {change.said}"
            change.fail(silence or ProxyFailure(cause, subject=change.path, remedy=remedy))

    def _look_for(self, waiting: list[Change]) -> ProxyFailure | None:
        """Look once whether they are done; how Traefik failed to say, if it did."""
        try:
            look = self.api.snapshot() if len(waiting) > 1 else self.api.look
            for change in waiting:
                change.settle(look)
        except ProxyFailure as error:
            for change in waiting:
                if change.optional and not change.done.done():
                    change.done.set_result(None)  # nobody routes anything, and the file is gone
            return error
        return None
