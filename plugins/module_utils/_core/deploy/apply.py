# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a plan out: forwards with a journal, backwards when a step fails."""

from __future__ import annotations

from ..decide.phase_plans import committed_at
from ..values.errors import StoreFailure, TidegateError, explained_at_least
from ..values.plan import Plan, Step, Verb
from . import neighbours
from .acts import ACTS
from .run import World

_ROUTING = {Verb.HOLD, Verb.SWITCH}


def carry_out(world: World, plan: Plan) -> None:
    """Do the plan's steps in order.

    What is forgotten cannot be taken back: a failure after that leaves the rest to the next run.
    Up to the commit (`persist`, or `bake` after it) a failure takes back every step that was begun, newest first.
    After it the new release is live, so a failure only leaves something to tidy, which the next run does; it becomes
    a warning.

    :raises TidegateError: with the name of the step that failed; what served before still serves.
    """
    if any(step.verb in _ROUTING for step in plan.steps):
        world.on.traefik.require()
        neighbours.order_older_routes(world)
    begun: list[Step] = []
    commit = committed_at(plan.steps)
    for number, step in enumerate(plan.steps):
        begun.append(step)
        try:
            world.check()
            _perform(world, step)
        except TidegateError as error:
            error.step = error.step or step.verb.value
            if world.committed:
                world.warnings.append(f"The new release is live, but {error} The next run finishes this.")
                return
            world.failure = world.failure or f"{error.step} failed"
            _take_back(world, begun)
            raise
        world.committed = world.committed or number == commit
        if step.verb is Verb.FORGET:
            begun.clear()


def _perform(world: World, step: Step, name: str = "") -> None:
    clock = world.on.clock
    name = name or step.verb.value
    _journal(world, name)
    begun = clock.monotonic()
    row = {"name": name, "seconds": 0.0, "detail": ""}
    world.steps.append(row)
    try:
        with explained_at_least():
            world.tell(world.key, name)
            row["detail"] = ACTS[step.verb](world, step)
    finally:
        row["seconds"] = round(clock.monotonic() - begun, 3)


def _journal(world: World, name: str) -> None:
    """Record that a step begins; a store that is full does not keep anything from being taken back."""
    try:
        if world.recorded:
            world.on.store.journal(world.deployment, name, world.on.clock.now())
    except StoreFailure:
        if not world.undoing:
            raise


def _take_back(world: World, begun: list[Step]) -> None:
    """Undo, newest first; one undo that fails does not keep the others from being tried."""
    world.undoing = True
    for step in reversed(begun):
        for undo in step.undo:
            try:
                _perform(world, undo, f"undo {step.verb.value}: {undo.verb.value}")
            except TidegateError as error:
                world.warnings.append(f"While taking back {step.verb.value}: {error}")
