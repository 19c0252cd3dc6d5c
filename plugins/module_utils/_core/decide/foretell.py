# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host looks like after a plan, as far as values can tell.

Check mode needs it when a plan comes after a recovery; the property tests need it to say "plan after apply is empty".
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..options.snapshot import terms
from ..proxy import routing_documents
from ..values.actual import Actual, Container
from ..values.plan import Plan, Step, Verb
from ..values.release import Release
from ..values.stack import Service

Effect = t.Callable[[Actual, Step], Actual]


def after(have: Actual, plan: Plan) -> Actual:
    """The state that the plan's steps lead to; the attempt counts as concluded."""
    for step in plan.steps:
        have = EFFECTS.get(step.verb, _unchanged)(have, step)
    return replace(have, attempt=None)


def _unchanged(have: Actual, _step: Step) -> Actual:
    return have


def _start(have: Actual, step: Step) -> Actual:
    release = step.release
    if release is None:
        raise ValueError("a start step carries its release")
    made = tuple(Container(name, "running", deployment=release.id) for name in step.containers)
    return replace(have, containers=have.containers + made)


def _roll(have: Actual, step: Step) -> Actual:
    if step.service is None:
        raise ValueError("a roll step carries its service")
    kept = tuple(c for c in have.containers if c.service != step.service.name)
    return replace(have, containers=kept + _running(step.service))


def _up(have: Actual, step: Step) -> Actual:
    if step.definition is None:
        raise ValueError("an up step carries its definition")
    made = [container for service in step.definition.services for container in _running(service)]
    return replace(have, containers=tuple(made))


def _unroll(have: Actual, step: Step) -> Actual:
    gone = step.service.name if step.service else None
    return replace(have, containers=tuple(c for c in have.containers if gone is not None and c.service != gone))


def _running(service: Service) -> tuple[Container, ...]:
    """A service's containers; what they will be called is for Compose to say."""
    state = "exited" if service.completes else "running"
    numbers = range(1, service.replicas + 1)
    return tuple(
        Container(f"{service.name}-{n}", state, fingerprint=service.fingerprint, service=service.name) for n in numbers
    )


def _stand_in(have: Actual, step: Step) -> Actual:
    made = tuple(
        Container(name, "running", deployment=step.release.id if step.release else "") for name in step.containers
    )
    return replace(have, containers=have.containers + made)


def _diverted(now: bool) -> Effect:
    return lambda have, _step: replace(have, diverted=now)


def _into(state: str) -> Effect:
    def effect(have: Actual, step: Step) -> Actual:
        changed = tuple(replace(c, state=state, health="") if c.name in step.containers else c for c in have.containers)
        return replace(have, containers=changed)

    return effect


def _route(have: Actual, step: Step) -> Actual:
    return replace(have, route=step.route)


def _persist(have: Actual, step: Step) -> Actual:
    same = have.live is not None and step.release is not None and have.live.id == step.release.id
    return replace(have, live=step.release, previous=have.previous if same else have.live)


def _withdraw(have: Actual, step: Step) -> Actual:
    return replace(have, live=step.release, previous=None)


def _no_volumes(have: Actual, _step: Step) -> Actual:
    return replace(have, volumes=())


def _reap(have: Actual, step: Step) -> Actual:
    return replace(have, containers=tuple(c for c in have.containers if c.name not in step.containers))


def _forget(have: Actual, _step: Step) -> Actual:
    return replace(have, live=None, previous=None)


def _clear(have: Actual, _step: Step) -> Actual:
    return replace(have, left=False)


EFFECTS: dict[Verb, Effect] = {
    Verb.STAND_IN: _stand_in,
    Verb.DIVERT: _diverted(True),
    Verb.UNDIVERT: _diverted(False),
    Verb.ROLL: _roll,
    Verb.UP: _up,
    Verb.UNROLL: _unroll,
    Verb.START: _start,
    Verb.RESUME: _into("running"),
    Verb.STOP: _into("exited"),
    Verb.HOLD: _route,
    Verb.SWITCH: _route,
    Verb.UNROUTE: _route,
    Verb.PERSIST: _persist,
    Verb.WITHDRAW: _withdraw,
    Verb.REAP: _reap,
    Verb.REMOVE_VOLUMES: _no_volumes,
    Verb.FORGET: _forget,
    Verb.CLEAR: _clear,
}


_ABSENT = {"state": "absent"}


def view(have: Actual) -> dict[str, t.Any]:
    """The workload as it is (or would be): release, containers, routes."""
    live = have.live
    if live is None:
        found = [c.state for c in have.containers]
        return {**_ABSENT, "containers": found} if found else dict(_ABSENT)
    own = {c.name: c.state for c in have.named(live.containers)}
    if terms(live).is_stack:
        return {**_common(live), "services": _services(have), "routes": routing_documents.rules_of(live.route)}
    return {
        "state": live.state,
        "image": live.image,
        "image_id": live.image_id,
        "containers": [own.get(name, "missing") for name in live.containers],
        "leftovers": len(have.others(live.containers)),
        "routes": routing_documents.rules_of(live.route),
        "route_file": _route_file(have, live),
        "declaration": live.snapshot,
    }


def _common(live: Release) -> dict[str, t.Any]:
    return {"state": live.state, "image": live.image, "image_id": live.image_id, "declaration": live.snapshot}


def _services(have: Actual) -> dict[str, list[str]]:
    """The states of each service's containers, with what tells their definition."""
    found: dict[str, list[str]] = {}
    for container in have.containers:
        found.setdefault(container.service, []).append(f"{container.state} {container.fingerprint[:12]}")
    return {name: sorted(rows) for name, rows in sorted(found.items())}


def _route_file(have: Actual, live: Release) -> str:
    if have.route == live.route:
        return "in place" if live.route else "none"
    if have.route is None:
        return "missing"
    held = live.route is not None and have.route == routing_documents.without_servers(live.route)
    return "held" if held else "differs"
