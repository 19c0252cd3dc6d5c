# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bake: a new release under real traffic, watched while the old one could still take it back."""

from __future__ import annotations

import typing as t

from ..engine.engine import Engine
from ..host.clock import Clock, attempts
from ..proxy.api import AnswerCount
from ..values.errors import Unhealthy
from ..values.plan import Step
from ..values.traffic import Bake
from . import gates
from .gates import gate_of_step
from .run import Run

# As many failures in a row as the engine's own HEALTHCHECK takes before it says unhealthy.
FAILURES = 3
TICK_SECONDS = 1.0
Counter = t.Callable[[], AnswerCount]


def watch(engine: Engine, clock: Clock, entries: list[gates.Entry], bake: Bake, count: Counter | None) -> str:
    """Look at the containers, and at the answers that users got, until the window is over.

    :param count: gives the answers so far, None when they are not judged.
    :raises Unhealthy: a container ended, restarted, failed its probe three times in a row, or too many answers were
        errors; carries the log's tail.
    """
    before = count() if count else AnswerCount(0, 0)
    failures = dict.fromkeys((entry.name for entry in entries), 0)
    looks = 0
    for _left in attempts(clock, bake.seconds, first=0.1, most=TICK_SECONDS):
        looks += 1
        for entry in entries:
            said = _look(engine, clock, entry)
            failures[entry.name] = failures[entry.name] + 1 if said else 0
            if failures[entry.name] >= FAILURES:
                raise _failed(engine, entry.name, said)
        if count:
            _judge(engine, entries[0].name, bake, before, count())
    return f"{bake.seconds:g} s, {looks} looks"


def _look(engine: Engine, clock: Clock, entry: gates.Entry) -> str:
    """What is wrong with a container that runs; one that does not any more fails at once."""
    facts = engine.containers.inspect(entry.name)
    if facts is None or facts.state != "running" or facts.restarts > (entry.restarts or 0):
        raise _failed(engine, entry.name, gates.ended(facts))
    if facts.health == "unhealthy":
        return "its HEALTHCHECK says unhealthy"
    return gates.probe(engine, clock, entry.gate, gates.Place(entry.name, facts))


def _judge(engine: Engine, name: str, bake: Bake, before: AnswerCount, now: AnswerCount) -> None:
    total, errors = now.total - before.total, now.errors - before.errors
    if bake.error_ratio is not None and total >= bake.requests and errors > bake.error_ratio * total:
        cause = f"{errors} of {total} answers were errors, more than error_ratio={bake.error_ratio:g}"
        raise _failed(engine, name, cause)


def _failed(engine: Engine, name: str, said: str) -> Unhealthy:
    remedy = "What served before serves again. The new release's last lines are in `logs`."
    return gates.unhealthy(engine, name, f"after the switch: {said}", remedy)


def bake(run: Run, step: Step) -> str:
    """Watch the new release under traffic while the old one still could take it back."""
    window = run.want.bake
    if window is None:
        raise ValueError("a bake step comes of a declaration with one")
    entries = [gates.Entry(name, gate_of_step(run, step)) for name in step.containers]
    count = None if window.error_ratio is None else (lambda: run.on.traefik.api.answered(run.key))
    return watch(run.on.engine, run.watch, entries, window, count)
