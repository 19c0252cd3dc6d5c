# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do, decided from values alone. Private to tidegate.platform.

`decide(want, have)` gives an ordered tuple of steps; empty means nothing to do, and says why. Check mode is a plan
that is not applied, the diff is a view of it, and idempotence is "plan after apply is empty".
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ._declared import Document, State, Workload
from ._errors import InvalidOption
from ._model import Actual, Container, Plan, Release, Step, Verb, in_state
from ._strategies import STRATEGIES, Hold, route_back


class Routing(t.NamedTuple):
    """The proxy's pure half: a routing document for given targets, and its held form."""

    document: t.Callable[[Workload, tuple[str, ...]], Document | None]
    hold: Hold


def prepare(want: Workload, have: Actual) -> Plan:
    """Fetch the artifact if it is not here; touches nothing that serves."""
    if want.state is State.PRESENT and have.pull_needed:
        return Plan((Step(Verb.PULL),))
    return Plan(reason="the image is present")


def decide(want: Workload, have: Actual, candidate: Release, routing: Routing) -> Plan:
    """The plan for one workload.

    :param candidate: the release that a new deployment would make; its route document is filled in here.
    :raises InvalidOption: another workload has one of the routes.
    """
    if want.state is State.ABSENT:
        return _absent(want, have)
    if want.state is State.STOPPED:
        return _stopped(want, have, routing)
    _refuse_claimed(have)
    live = have.live
    if live is None or want.force or live.fingerprint != candidate.fingerprint or _lost(have, live):
        green = replace(candidate, route=routing.document(want, candidate.containers))
        return Plan(STRATEGIES[want.strategy](want, have, green, routing.hold), _why(want, have, candidate), green)
    return _keep(want, have, candidate, routing)


def recover(have: Actual) -> Plan:
    """Finish or take back a deployment that was begun and never concluded.

    Decided from the route file and the record, never from "newest" or a tag: routed already → roll forward,
    else → remove green and make blue serve.
    """
    green = have.attempt.candidate if have.attempt else None
    if green is None:
        return Plan(reason="it had changed nothing yet")
    leftovers = have.others(green.containers)
    finish = (Step(Verb.DRAIN, leftovers), Step(Verb.REAP, leftovers)) if leftovers else ()
    if have.live is not None and have.live.id == green.id:
        return Plan(finish, "it had been made live", green)
    if green.route is not None and have.route == green.route and _all_serve(have, green):
        forward = (Step(Verb.SWITCH, route=green.route), Step(Verb.PERSIST, release=green))
        return Plan((*forward, *finish), "its routes had been switched", green)
    return Plan(_take_back(have, green), "its routes had not been switched")


def _take_back(have: Actual, green: Release) -> tuple[Step, ...]:
    steps: list[Step] = []
    live = have.live
    if live is not None and live.state == "running":
        down = tuple(c.name for c in have.named(live.containers) if not c.serves)
        if down:
            steps += [Step(Verb.RESUME, down), Step(Verb.GATE, down, release=live)]
    if have.route != (live.route if live else None):
        steps += route_back(replace(have, route=None))
    kept = live.containers if live else ()
    # By label, too: a release command that outlived its run is the deployment's as well.
    own = {c.name for c in have.containers if c.deployment == green.id} | set(green.containers)
    mine = tuple(c.name for c in have.named(own) if c.name not in kept)
    return (*steps, *((Step(Verb.REAP, mine),) if mine else ()))


def _absent(want: Workload, have: Actual) -> Plan:
    names = have.others(())
    steps: list[Step] = []
    if have.route is not None:
        steps.append(Step(Verb.UNROUTE))
    if names:
        steps += [Step(Verb.DRAIN, names), Step(Verb.REAP, names)]
    if have.live or have.previous:
        steps.append(Step(Verb.FORGET))
    return Plan(tuple(steps), f"{want.name} is absent" if not steps else f"{want.name} is to be absent")


def _stopped(want: Workload, have: Actual, routing: Routing) -> Plan:
    live = have.live
    if live is None:
        return Plan(reason=f"{want.name} was never deployed, so there is nothing to stop")
    steps: list[Step] = []
    if live.route is not None and have.route != routing.hold(live.route):
        steps.append(Step(Verb.HOLD, route=routing.hold(live.route)))
    running = tuple(c.name for c in have.containers if c.state in ("running", "restarting", "paused"))
    if running:
        steps += [Step(Verb.DRAIN, running), Step(Verb.STOP, running)]
    if live.state != "stopped":
        steps.append(Step(Verb.PERSIST, release=in_state(live, "stopped")))
    return Plan(tuple(steps), f"{want.name} is stopped" if not steps else f"{want.name} is to be stopped")


def _keep(want: Workload, have: Actual, candidate: Release, routing: Routing) -> Plan:
    """The live release stays; repair just what drifted from it, and route it as declared."""
    live = t.cast("Release", have.live)
    steps: list[Step] = []
    reasons: list[str] = []
    down = tuple(c.name for c in have.named(live.containers) if not c.serves)
    if down:
        steps += [Step(Verb.RESUME, down), Step(Verb.GATE, down, release=live)]
        reasons.append(f"{', '.join(down)} did not run")
    green = None
    route = routing.document(want, live.containers)
    if route != live.route:
        green = replace(candidate, containers=live.containers, route=route)
        reasons.append("its routes are declared otherwise")
        switch = Verb.SWITCH if route is not None else Verb.UNROUTE
        steps += [Step(switch, route=route, undo=route_back(have)), Step(Verb.PERSIST, release=green)]
    elif have.route != live.route:
        steps += route_back(have)
        reasons.append("its route file was not as it was written")
    if green is None and live.state != "running":
        steps.append(Step(Verb.PERSIST, release=in_state(live, "running")))
        reasons.append("it had been stopped")
    orphans = have.others(live.containers)
    if orphans:
        steps.append(Step(Verb.REAP, orphans))
        reasons.append(f"{', '.join(orphans)} belong to no live release")
    why = f"{want.name} already runs {want.container.image} (release {live.id})" if not steps else "; ".join(reasons)
    return Plan(tuple(steps), why, green)


def _lost(have: Actual, live: Release) -> bool:
    """True when a container of the live release is gone, foreign or beyond a mere start."""
    found: dict[str, Container] = {c.name: c for c in have.named(live.containers)}
    return any(
        name not in found
        or found[name].fingerprint != live.fingerprint
        or found[name].health == "unhealthy"
        or found[name].state in ("restarting", "removing", "dead")
        for name in live.containers
    )


def _all_serve(have: Actual, release: Release) -> bool:
    named = have.named(release.containers)
    return len(named) == len(release.containers) and all(c.serves for c in named)


def _why(want: Workload, have: Actual, candidate: Release) -> str:
    if have.live is None:
        return f"{want.name} has no live release"
    if want.force:
        return "a new deployment was asked for"
    if have.live.image_id != candidate.image_id:
        return "the image is another"
    if have.live.fingerprint != candidate.fingerprint:
        return "the declaration is another"
    return "a container of the live release is missing or broken"


def _refuse_claimed(have: Actual) -> None:
    for claim, owner in have.claimed:
        raise InvalidOption(
            "routes", claim, f"is already routed to {owner}", "Use another host or path, or take it away there first."
        )
