# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a plan out: forwards with a journal, backwards when a step fails."""

from __future__ import annotations

from ..decide.phase_plans import committed_at
from ..values.errors import StoreFailure, TidegateError, explained_at_least
from ..values.plan import Plan, Step, Verb
from . import older_routes
from .acts import ACTS
from .run import Run

_ROUTING = {Verb.HOLD, Verb.SWITCH}


def carry_out(run: Run, plan: Plan) -> None:
    """Do the plan's steps in order.

    What is forgotten cannot be taken back: a failure after that leaves the rest to the next run.
    Up to the commit (`persist`, or `bake` after it) a failure takes back every step that was begun, newest first.
    After it the new release is live, so a failure only leaves something to tidy, which the next run does; it becomes
    a warning.

    :raises TidegateError: with the name of the step that failed; what served before still serves.
    """
    if any(step.verb in _ROUTING for step in plan.steps):
        run.on.traefik.require()
        older_routes.order_older_routes(run)
    begun: list[Step] = []
    commit = committed_at(plan.steps)
    for number, step in enumerate(plan.steps):
        begun.append(step)
        try:
            run.check()
            _perform(run, step)
        except TidegateError as error:
            error.step = error.step or step.verb.value
            if run.deployment.committed:
                run.warnings.append(f"The new release is live, but {error} The next run finishes this.")
                return
            run.deployment.failure = run.deployment.failure or f"{error.step} failed"
            _take_back(run, begun)
            raise
        run.deployment.committed = run.deployment.committed or number == commit
        if step.verb is Verb.FORGET:
            begun.clear()


def _perform(run: Run, step: Step, name: str = "") -> None:
    clock = run.on.clock
    name = name or step.verb.value
    _journal(run, name)
    begun = clock.monotonic()
    row = {"name": name, "seconds": 0.0, "detail": ""}
    run.steps.append(row)
    try:
        with explained_at_least():
            run.tell(run.key, name)
            row["detail"] = ACTS[step.verb](run, step)
    finally:
        row["seconds"] = round(clock.monotonic() - begun, 3)


def _journal(run: Run, name: str) -> None:
    """Record that a step begins; a store that is full does not keep anything from being taken back."""
    try:
        if run.deployment.recorded:
            run.on.store.journal(run.deployment.id, name, run.on.clock.now())
    except StoreFailure:
        if not run.deployment.undoing:
            raise


def _take_back(run: Run, begun: list[Step]) -> None:
    """Undo, newest first; one undo that fails does not keep the others from being tried."""
    run.deployment.undoing = True
    for step in reversed(begun):
        for undo in step.undo:
            try:
                _perform(run, undo, f"undo {step.verb.value}: {undo.verb.value}")
            except TidegateError as error:
                run.warnings.append(f"While taking back {step.verb.value}: {error}")
