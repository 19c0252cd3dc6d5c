# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many workloads at once: one observation, then as many as allowed side by side."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..decide.fleet import NO_FLEET, Fleet
from ..decide.phase_plans import Phase
from ..host.clock import Interrupts
from ..values.errors import Canceled, InvalidOption, TidegateError, explained_at_least
from ..values.identity import Subject, key_of
from ..values.workload import Workload
from .converge import Declare, converge, preview, seen_after, unchanged
from .observe import Survey, survey
from .outcome import Outcome, WorkloadOutcome
from .run import Platform, Run, Tell, new_run, silent
from .store import Store


@dataclass(frozen=True)
class Manner:
    """How a batch is carried out."""

    check: bool = False
    phase: Phase = Phase.DEPLOY
    reason: str = ""
    concurrency: int = 1
    stop_on_failure: bool = False
    declare: Declare | None = None
    deep: bool = False
    fleet: Fleet = NO_FLEET


class Batch:
    """One run over several workloads of one host; a failure of one does not touch the others.

    :param interrupts: shared by all, so that a signal stops every one of them where that is safe.
    """

    def __init__(self, on: Platform, manner: Manner, interrupts: Interrupts, tell: Tell) -> None:
        self.on, self.manner, self.interrupts, self.tell = on, manner, interrupts, tell
        self._failed = threading.Event()
        self._before: Survey | None = None
        self._subjects: frozenset[Subject] = frozenset()

    def run(self, wants: t.Sequence[Workload]) -> list[WorkloadOutcome]:
        """Results in the order of the declarations."""
        self._subjects = frozenset(want.subject for want in wants)
        seen = self._before = self._survey(wants)
        quick = [self._unchanged(want, seen) if seen else None for want in wants]
        slow = iter(self._all([want for want, ended in zip(wants, quick) if ended is None]))
        ended = [one or next(slow) for one in quick]
        return [self._one(one.want) if self._is_free_now(one) else one for one in ended]

    def _all(self, wants: t.Sequence[Workload]) -> list[WorkloadOutcome]:
        """Side by side, each on connections of its thread's own; then one look at what all came to."""
        if len(wants) == 1:
            return [self._one(wants[0])]
        mine, pending = threading.local(), {key_of(*want.subject) for want in wants}
        paced = self.on.paced(pending)

        def own() -> Platform:
            if not hasattr(mine, "on"):
                mine.on = paced.another()
            return t.cast("Platform", mine.on)

        def one(want: Workload) -> WorkloadOutcome:
            try:
                return self._one(want, own)
            finally:
                pending.discard(key_of(*want.subject))

        with ThreadPoolExecutor(max_workers=max(1, min(self.manner.concurrency, len(wants)))) as pool:
            ended = list(pool.map(one, wants))
        return self._seen(ended)

    def _seen(self, ended: list[WorkloadOutcome]) -> list[WorkloadOutcome]:
        """The outcomes with what the host shows of them now; what cannot be seen has failed."""
        if not any(map(self._is_unseen, ended)):
            return ended
        try:
            with explained_at_least():
                now = survey(self.on, list_images=False)
        except TidegateError as error:
            return [one._replace(outcome=None, error=error) if self._is_unseen(one) else one for one in ended]
        return [_with_look(one, now) if self._is_unseen(one) else one for one in ended]

    def _is_unseen(self, one: WorkloadOutcome) -> bool:
        return one.outcome is not None and bool(one.outcome.steps) and self._looks_later(one.want)

    def _looks_later(self, want: Workload) -> bool:
        """Whether one look at the end serves it together with the others."""
        plain = want.recipe is None and want.stack is None and self.manner.declare is None
        return plain and not self.manner.check and not self.manner.deep

    def _survey(self, wants: t.Sequence[Workload]) -> Survey | None:
        """The one observation; not worth it for a single workload, or where each gets a closer look anyway."""
        plain = self.manner.phase in (Phase.DEPLOY, Phase.STAGE, Phase.SWITCH) and self.manner.declare is None
        return survey(self.on) if plain and len(wants) > 1 else None

    def _unchanged(self, want: Workload, seen: Survey) -> WorkloadOutcome | None:
        if want.recipe is not None or want.stack is not None:
            return None  # its source is looked at side by side with the others'
        try:
            with explained_at_least():
                outcome = unchanged(want, seen)
        except TidegateError:
            return None  # said, and recorded, where it is looked at more closely
        return WorkloadOutcome(want, outcome, None, None) if outcome else None

    def _one(self, want: Workload, on: t.Callable[[], Platform] | None = None) -> WorkloadOutcome:
        run: Run | None = None
        try:
            with explained_at_least():
                self._go_on()
                run = new_run(want, on() if on else self.on, self.interrupts, self.tell)
                run.fleet = self.manner.fleet
                run.deployment.failure = self.manner.reason if self.manner.phase is Phase.REVERT else ""
                outcome = self._converge(run, look=on is None or not self._looks_later(want))
        except TidegateError as error:
            owners = self._owners(want, error, run.on.store) if run else None
            if owners is None or owners - self._subjects:  # else it is tried again, once the others are done
                self._failed.set()
            self.tell(f"{want.name}.{want.environment}", f"failed: {type(error).__name__}")
            return WorkloadOutcome(want, None, error, run)
        return WorkloadOutcome(want, outcome, None, run)

    def _converge(self, run: Run, look: bool) -> Outcome:
        manner = self.manner
        if manner.check:
            return preview(run, manner.phase, manner.declare, manner.deep)
        return converge(run, manner.phase, manner.declare, manner.deep, look, self._before)

    def _go_on(self) -> None:
        if self.manner.stop_on_failure and self._failed.is_set():
            raise Canceled("not begun, because another workload failed", remedy="Repair that one and run again.")

    def _is_free_now(self, ended: WorkloadOutcome) -> bool:
        """True when it failed on a route that nobody else has any more: another of this very batch gave it up."""
        return self._owners(ended.want, ended.error, self.on.store) == set()

    def _owners(self, want: Workload, error: TidegateError | None, store: Store) -> set[Subject] | None:
        """Who else has routes of a workload that failed on one; None where something else was the matter."""
        if not isinstance(error, InvalidOption) or error.option != "routes" or self.manner.check:
            return None
        try:
            claims = store.claims()
        except TidegateError:
            return None  # then it has failed, and the others keep their results
        return {claims[claim] for claim in want.claims if claim in claims} - {want.subject}


def _with_look(one: WorkloadOutcome, now: Survey) -> WorkloadOutcome:
    if one.outcome is None or one.run is None:
        return one
    try:
        with explained_at_least():
            return one._replace(outcome=seen_after(one.outcome, one.run.want, now))
    except TidegateError as error:
        return one._replace(outcome=None, error=error)


def alone(on: Platform, want: Workload, manner: Manner, interrupts: Interrupts) -> WorkloadOutcome:
    """A batch of one."""
    return Batch(on, manner, interrupts, silent).run([want])[0]
