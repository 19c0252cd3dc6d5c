# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about one workload: `decide(want, have, candidate)`, from values alone.

`decide(want, have)` gives an ordered tuple of steps; empty means nothing to do, and says why. Check mode is a plan
that is not applied, the diff is a view of it, and idempotence is "plan after apply is empty".
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..options.snapshot import terms, with_strategy
from ..proxy import routing_documents
from ..values.actual import Actual, Container, Image, Volume
from ..values.errors import InvalidOption
from ..values.grammar import made_by
from ..values.identity import TIME_LENGTH
from ..values.plan import Plan, Step, Verb
from ..values.release import Release, in_state
from ..values.workload import State, Strategy, Workload
from . import leave
from .claims import refuse_claimed
from .strategies import STRATEGIES, route_back


def prepare(want: Workload, have: Actual, candidate: Release) -> Plan:
    """Fetch the artifact if it is not here and still wanted; touches nothing that serves."""
    if want.state is not State.PRESENT or not have.pull_needed:
        return Plan(reason="the image is present")
    verb = Verb.PLACE if want.stack else Verb.BUILD if want.recipe else Verb.PULL
    return _unless_newer(want, have, candidate, Plan((Step(verb),)))


def decide(want: Workload, have: Actual, candidate: Release) -> Plan:
    """The plan for one workload.

    :param candidate: the release that a new deployment would make; its route document is filled in here.
    :raises InvalidOption: another workload has one of the routes, or uses a volume that is to be removed.
    """
    if want.state is State.ABSENT:
        return _absent(want, have)
    if want.state is State.STOPPED:
        return _stopped(want, have)
    refuse_claimed(have.claimed)
    live = have.live
    if want.stack is not None:
        from . import stacks  # loaded only for projects

        plan = stacks.decide(want, have, candidate)
        return _unless_newer(want, have, candidate, plan) if plan.candidate else plan
    if live is None or want.force or live.fingerprint != candidate.fingerprint or _lost(have, live):
        strategy = _fitting(want, have)
        green = replace(candidate, route=routing_documents.document(want, candidate.containers))
        if strategy is not want.strategy:  # whoever recovers it has to know
            green = with_strategy(green, strategy)
        plan = Plan(STRATEGIES[strategy](want, have, green), _why(want, have, candidate), green)
    else:
        plan = _keep(want, have, candidate)
    return _unless_newer(want, have, candidate, plan) if plan.candidate else plan


def _unless_newer(want: Workload, have: Actual, candidate: Release, plan: Plan) -> Plan:
    newer = _newer(want, have, candidate)
    return Plan(reason=f"{newer}, so that this older one is skipped", skipped=True) if newer else plan


def _newer(want: Workload, have: Actual, candidate: Release) -> str:
    """Why the live release is newer than what is asked for (DP-T4); an empty text when it is not.

    By the sequences, if both have one; else by the moment of the request, which the id begins with.
    """
    live = have.live
    if live is None:
        return ""
    if want.sequence is not None and have.sequence is not None:
        return f"sequence {have.sequence} is live (release {live.id})" if want.sequence < have.sequence else ""
    later = live.id[:TIME_LENGTH] > candidate.id[:TIME_LENGTH]
    return f"a deployment requested later is live (release {live.id})" if later else ""


def _absent(want: Workload, have: Actual) -> Plan:
    """Until it is forgotten it can be taken back; from then on whoever comes removes it, and never starts it."""
    names = have.others(())
    steps: list[Step] = []
    if have.route is not None:
        steps.append(Step(Verb.UNROUTE, undo=_routed_as_recorded(have)))
    if names:
        steps.append(leave.drain(want, have, names))
    if have.live or have.previous or names:
        steps.append(Step(Verb.FORGET))
    if names:
        steps.append(leave.reap(want, have, names))
    if want.remove_volumes and have.volumes:
        for volume in have.volumes:
            _refuse_shared(volume)
        steps.append(Step(Verb.REMOVE_VOLUMES, volumes=tuple(volume.name for volume in have.volumes)))
    if have.live or have.previous or names or have.left:
        steps.append(Step(Verb.CLEAR))
    return Plan(tuple(steps), f"{want.name} is absent" if not steps else f"{want.name} is to be absent")


def _routed_as_recorded(have: Actual) -> tuple[Step, ...]:
    """The step back to routes of what is on record, which may be stopped."""
    live = have.live
    if live is not None and live.state != "running" and live.route is not None:
        return (Step(Verb.HOLD, route=routing_documents.without_servers(live.route)),)
    return route_back(have)


def _refuse_shared(volume: Volume) -> None:
    if volume.users:
        cause = f"but the volume {volume.name} is used by {', '.join(volume.users)}"
        raise InvalidOption("remove_volumes", True, cause, "Take it away there first, or leave remove_volumes out.")


def _stopped(want: Workload, have: Actual) -> Plan:
    live = have.live
    if live is None:
        return Plan(reason=f"{want.name} was never deployed, so there is nothing to stop")
    steps: list[Step] = []
    running = tuple(c.name for c in have.containers if c.goes_on)
    # A stop that was killed left the routes held: what takes this one back makes them what is on record.
    if live.route is not None and (running or have.route != routing_documents.without_servers(live.route)):
        back = _routed_as_recorded(have)
        steps.append(Step(Verb.HOLD, route=routing_documents.without_servers(live.route), undo=back))
    if running:
        # An undo of a Compose project makes others than are on record.
        named = [c.name for c in have.named(live.containers)]
        own = running if terms(live).is_stack else tuple(name for name in named if name in running)
        again = leave.again(have, own) if live.state == "running" else ()
        steps += [leave.drain(want, have, running), leave.stop(want, have, running, undo=again)]
    if live.state != "stopped":
        steps.append(Step(Verb.PERSIST, release=in_state(live, "stopped")))
    return Plan(tuple(steps), f"{want.name} is stopped" if not steps else f"{want.name} is to be stopped")


def _keep(want: Workload, have: Actual, candidate: Release) -> Plan:
    """The live release stays; repair just what drifted from it, and route it as declared."""
    live = t.cast("Release", have.live)
    steps: list[Step] = []
    reasons: list[str] = []
    down = tuple(c.name for c in have.named(live.containers) if not c.serves)
    if down:
        steps += [Step(Verb.RESUME, down), Step(Verb.GATE, down, release=live)]
        reasons.append(f"{', '.join(down)} did not run")
    green = None
    route = routing_documents.document(want, live.containers)
    if route != live.route:
        green = replace(candidate, containers=live.containers, route=route)
        reasons.append("its routes are declared otherwise")
        switch = Verb.SWITCH if route is not None else Verb.UNROUTE
        steps += [Step(switch, route=route, release=green, undo=route_back(have)), Step(Verb.PERSIST, release=green)]
    elif have.route != live.route:
        steps += route_back(have)
        reasons.append("its route file was not as it was written")
    if green is None and live.state != "running":
        steps.append(Step(Verb.PERSIST, release=in_state(live, "running")))
        reasons.append("it had been stopped")
    orphans = have.others(live.containers)
    if orphans:  # a route that was not ours may have sent requests to them until now
        steps += leave.leave(want, have, orphans)
        reasons.append(f"{', '.join(orphans)} belong to no live release")
    why = f"{want.name} already runs {want.container.image} (release {live.id})" if not steps else "; ".join(reasons)
    return Plan(tuple(steps), why, green)


def _lost(have: Actual, live: Release) -> bool:
    """True when a container of the live release is gone, foreign or beyond a mere start."""
    found: dict[str, Container] = {c.name: c for c in have.named(live.containers)}
    return any(
        name not in found
        or not made_by(name, found[name].deployment)
        or found[name].health == "unhealthy"
        or found[name].state in ("restarting", "removing", "dead")
        or found[name].altered
        or _detached(found[name], live)
        for name in live.containers
    )


def _detached(container: Container, live: Release) -> bool:
    """True when a network of its declaration is not there, or not connected."""
    return container.networks is not None and not terms(live).networks <= set(container.networks)


def _why(want: Workload, have: Actual, candidate: Release) -> str:
    if have.live is None:
        return f"{want.name} has no live release"
    if want.force:
        return "a new deployment was asked for"
    if have.live.image_id != candidate.image_id:
        return "the image is another"
    if have.live.fingerprint != candidate.fingerprint:
        return "the declaration is another"
    return "a container of the live release is missing, broken or altered"


def stateful_paths(want: Workload, image: Image) -> tuple[str, ...]:
    """Where containers write into volumes of their own, because their image declares them and nothing is mounted."""
    spec = want.container
    covered = {mount.target.rstrip("/") for mount in spec.mounts} | {path.rstrip("/") for path in spec.tmpfs}
    paths = tuple(path for path in image.volumes if path.rstrip("/") not in covered)
    return paths if want.keeps_image_volumes else ()


def _fitting(want: Workload, have: Actual) -> Strategy:
    """How to replace: as declared, but never a container beside another that keeps data where only its image says so.

    What an earlier version of the platform took is on record, and has to be brought back all the same: in its place.

    :raises InvalidOption: it is declared so now.
    """
    paths = stateful_paths(want, have.image) if have.image is not None else ()
    if not paths or (want.strategy is Strategy.RECREATE and want.container.replicas == 1):
        return want.strategy
    if want.artifact:
        return Strategy.RECREATE
    several = want.container.replicas > 1
    option, value = ("replicas", want.container.replicas) if several else ("strategy", want.strategy.value)
    cause = f"would start a container beside another, but {want.container.image} keeps data in {', '.join(paths)}"
    remedy = "Set strategy to recreate" + (" and replicas to 1" if several else "")
    remedy += ", mount a volume or tmpfs there, or set image_volumes to discard if it is worth nothing."
    raise InvalidOption(option, value, cause, remedy)
