# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about the services of a stack, decided from values alone.

A service that can run beside itself is rolled: new containers, gate, route, and only then the old ones go. The plan is
the same whatever an interrupted run left, because it says where each service has to get, not from where.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import replace

from ..proxy import routing_documents
from ..values.actual import Actual, Container
from ..values.identity import Document
from ..values.plan import Plan, Step, Verb
from ..values.release import Release, in_state
from ..values.stack import Definition, Service
from ..values.workload import Strategy, Workload
from . import leave
from .stack_networks import refuse_networks
from .strategies import route_back


def same(container: Container, service: Service) -> bool:
    """True for a container that is what the service is declared as, of the very image that it is pinned to."""
    if container.service != service.name or container.fingerprint != service.fingerprint:
        return False
    return service.image_id in ("", container.image_id)


def good(container: Container, service: Service) -> bool:
    """True for a container that is what the service is declared as, and does what it shall."""
    if not same(container, service):
        return False
    return container.serves or (service.completes and container.exit_code == 0)


def newest(service: Service, found: t.Iterable[Container]) -> list[str]:
    """Those of a service's containers that are what it is declared as, and no more than it shall have."""
    fit = sorted((c for c in found if same(c, service)), key=lambda c: (c.created, len(c.name), c.name))
    return [c.name for c in fit[max(0, len(fit) - service.replicas) :]]


def targets(
    want: Workload, have: t.Iterable[Container], only: t.Mapping[str, t.Collection[str]]
) -> dict[str, list[str]]:
    """The containers that each routed service's requests go to.

    :param only: services whose containers are these and no others, be they unhealthy by their own check.
    """
    found: dict[str, list[str]] = {exposed.service: [] for exposed in (want.stack.exposed if want.stack else ())}
    for container in have:
        names = only.get(container.service)
        fit = container.serves if names is None else container.state == "running" and container.name in names
        if container.service in found and fit:
            found[container.service].append(container.name)
    return {service: sorted(names) for service, names in found.items()}


def decide(want: Workload, have: Actual, candidate: Release) -> Plan:
    """The plan for a stack that is to be present.

    :raises ValueError: nothing is known of what is declared.
    """
    wanted = have.definition
    if wanted is None:
        raise ValueError("a stack is decided once its definition is read")
    refuse_networks(want, have, wanted)
    behind = [service for service in wanted.services if _behind(want, have, service)]
    if want.strategy is Strategy.ROLLING:  # else Compose does it
        anew = _restarted(want, have, wanted)
        behind = [service for service in wanted.services if service in behind or service.name in anew]
    down = [service for service in wanted.services if service not in behind and _stopped(have, service)]
    stopped = tuple(c.name for service in down for c in _stopped(have, service))
    stale = tuple(c.name for c in have.containers if wanted.service(c.service) is None)
    document = routing_documents.stack_document(want, targets(want, _after(have, wanted), {}))
    steps: list[Step] = []
    if stopped:  # once they run they pass their gate, and get their requests, as if they were new
        steps += [Step(Verb.RESUME, stopped), *(_roll(want, have, wanted, service) for service in down)]
    steps += _steps(want, have, wanted, behind)
    steps = [_brought(step, candidate, have.live) for step in steps]
    if document is None and have.route is not None:
        steps.append(Step(Verb.UNROUTE, undo=_routes_back(have)))
    elif not steps and document != have.route:
        routed = replace(candidate, route=document)
        steps.append(Step(Verb.SWITCH, route=document, release=routed, undo=_routes_back(have)))
    green, live = None, have.live
    if behind or want.force or live is None or live.fingerprint != candidate.fingerprint or live.route != document:
        green = replace(candidate, route=document)
        steps.append(Step(Verb.PERSIST, release=green))
    elif live.state != "running":
        steps.append(Step(Verb.PERSIST, release=in_state(live, "running")))
    steps += leave.leave(want, have, stale, candidate)
    return Plan(tuple(steps), _why(want, have, behind, stopped, stale), green)


def _brought(step: Step, release: Release, before: Release | None) -> Step:
    """The step with the release whose ports, routes and gates it brings; its undo with the one before."""
    undo = tuple(replace(back, release=before) for back in step.undo if back.verb not in (Verb.SWITCH, Verb.UNROUTE))
    rest = tuple(back for back in step.undo if back.verb in (Verb.SWITCH, Verb.UNROUTE))
    return replace(step, release=release, undo=(*rest, *undo)) if step.verb in (Verb.ROLL, Verb.UP) else step


def _behind(want: Workload, have: Actual, service: Service) -> bool:
    before = have.live_definition.service(service.name) if have.live_definition else None
    # What an interrupted run left may run without having passed its gate: only what was live has.
    proven = before is not None and before.fingerprint == service.fingerprint
    return not proven or _lacks(want, have, service)


def _lacks(want: Workload, have: Actual, service: Service) -> bool:
    """Whether there is not just what a service shall have."""
    mine = [c for c in have.containers if c.service == service.name]
    fit = [c for c in mine if good(c, service)] + _stopped(have, service)
    return len(fit) != service.replicas or len(mine) != len(fit) or (want.force and not service.in_place)


def _stays(want: Workload, have: Actual, service: Service) -> bool:
    """Whether Compose will leave a service as it is: it is as it was live, and runs, but is unhealthy."""
    before = have.live_definition.service(service.name) if have.live_definition else None
    if want.force or before is None or before.fingerprint != service.fingerprint:
        return False
    mine = [c for c in have.containers if c.service == service.name]
    return len(mine) == service.replicas and all(c.state == "running" and same(c, service) for c in mine)


def _restarted(want: Workload, have: Actual, wanted: Definition) -> dict[str, tuple[str, ...]]:
    """Services that are to be restarted with others, and their containers that were there before what those get.

    What an interrupted run brought tells by when it was made who was restarted after it. When all is well that is not
    asked: a clock that went back would restart them again and again.
    """
    since: dict[str, float] = {}
    found: dict[str, tuple[str, ...]] = {}
    for service in wanted.services:
        mine = [c for c in have.containers if c.service == service.name]
        first = max((since.get(name, 0) for name in wanted.restarted_after(service.name)), default=0)
        going = tuple(c.name for c in mine if c.created < first)
        if going and not service.completes:
            found[service.name] = going
        if going or _lacks(want, have, service):
            since[service.name] = math.inf
        elif have.unfinished or _behind(want, have, service):
            since[service.name] = max((c.created for c in mine), default=0)
    return found


def _stopped(have: Actual, service: Service) -> list[Container]:
    return [
        c
        for c in have.containers
        if same(c, service) and c.state in ("exited", "paused", "created") and not service.completes
    ]


def _after(have: Actual, wanted: Definition) -> list[Container]:
    """The containers as they are once what is stopped runs again."""
    stopped = {c.name for service in wanted.services for c in _stopped(have, service)}
    return [replace(c, state="running") if c.name in stopped else c for c in have.containers]


def _steps(want: Workload, have: Actual, wanted: Definition, behind: t.Sequence[Service]) -> list[Step]:
    if not behind:
        return []
    if want.strategy is not Strategy.ROLLING:
        gone = {c.service for c in have.containers if wanted.service(c.service) is None}
        changing = [service.name for service in behind if not _stays(want, have, service)]
        down = sorted(wanted.restarted_with(changing) | gone)
        held = []
        if have.routed is not None and routing_documents.stack_without_servers(want, have.routed, down) != have.routed:
            # Whoever asks meanwhile is told when to come back.
            held = [
                Step(
                    Verb.HOLD,
                    route=routing_documents.stack_without_servers(want, have.routed, down),
                    undo=_routes_back(have),
                )
            ]
        undo: tuple[Step, ...] = (
            Step(Verb.UNROLL, definition=wanted),
            *(_routes_back(have) if have.live is None else ()),
        )
        if have.live_definition is not None:
            undo = (Step(Verb.UP, definition=have.live_definition),)
        return [*held, Step(Verb.UP, definition=wanted, undo=undo)]
    anew = _restarted(want, have, wanted)
    first, *rest = [_roll(want, have, wanted, service, anew.get(service.name, ())) for service in behind]
    return [replace(first, undo=(*first.undo, *_at_last(have, wanted, behind))), *rest]


def _at_last(have: Actual, wanted: Definition, brought: t.Iterable[Service]) -> tuple[Step, ...]:
    """The end of going back, which is newest first: who is to be restarted with what was gone back to.

    To nothing, that is what is left, be it of services that only a killed run's declaration had.
    """
    before = have.live_definition
    if before is None:
        return () if _lost(have) else (Step(Verb.UNROLL, definition=wanted),)
    others = before.restarted_with(service.name for service in brought)
    with_them = [s for s in before.services if before.restarted_after(s.name) & others and not s.completes]
    return tuple(Step(Verb.ROLL, service=service, definition=before, anew=True) for service in with_them)


def _roll(want: Workload, have: Actual, wanted: Definition, service: Service, anew: t.Collection[str] = ()) -> Step:
    """Bring a service to its definition, and replace those that are `anew`: what they depend on is another."""
    before = have.live_definition
    old = before.service(service.name) if before else None
    undo: tuple[Step, ...] = (Step(Verb.UNROLL, service=service, definition=wanted), *_unroute(have))
    if old is not None:
        undo = (Step(Verb.ROLL, service=old, definition=before),)
    elif any(c.service == service.name and c.name in spared(have) for c in have.containers):
        undo = ()  # its record is lost: those that fail go by themselves, those that were there before stay
    mine = [c for c in have.containers if c.service == service.name]
    stay = [c for c in mine if c.name not in anew and (good(c, service) or c in _stopped(have, service))]
    going = tuple(c.name for c in mine if want.force or c not in stay)
    return Step(Verb.ROLL, going, service=service, definition=wanted, undo=undo, anew=bool(anew))


def _unroute(have: Actual) -> tuple[Step, ...]:
    return (Step(Verb.UNROUTE),) if have.live is None and routed(have) is None else ()


def _routes_back(have: Actual) -> tuple[Step, ...]:
    return route_back(have if routed(have) is not None else replace(have, route=None))


def routed(have: Actual) -> Document | None:
    """The routing that an undo goes back to: none after a first deployment, be there routes of one that was killed."""
    return have.routed if have.live is not None or _lost(have) else None


def spared(have: Actual) -> set[str]:
    """Containers that no undo removes. What a deployment on record made and did not end, as a killed one, is not."""
    return {c.name for c in have.containers} if _lost(have) else set(have.unrecorded)


def _lost(have: Actual) -> bool:
    """Whether something is there of which nobody knows what it was made of, and no definition to go back to."""
    return have.live_definition is None and (have.live is not None or bool(have.unrecorded))


def _why(
    want: Workload, have: Actual, behind: t.Sequence[Service], stopped: t.Sequence[str], stale: t.Sequence[str]
) -> str:
    if have.live is None:
        return f"{want.name} has no live release"
    reasons = [f"{', '.join(s.name for s in behind)} to be brought up to its declaration"] if behind else []
    reasons += [f"{', '.join(stopped)} did not run"] if stopped else []
    reasons += [f"{', '.join(stale)} belong to no declared service"] if stale else []
    return "; ".join(reasons) or f"{want.name} already runs {want.container.image} (release {have.live.id})"
