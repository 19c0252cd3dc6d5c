# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts of a stack: placing its definition, rolling a service, going back."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide import leave, stack_networks, stacks
from ..engine import release_images
from ..host import proxy_entry
from ..options.snapshot import terms
from ..proxy import routing_documents
from ..sources.compose import Pinned
from ..sources.compose_volumes import labelled
from ..values.actual import Actual, Container
from ..values.errors import EngineFailure, Unhealthy
from ..values.identity import Document
from ..values.plan import Step
from ..values.release import Release
from ..values.stack import Definition, Service
from ..values.workload import Workload
from . import disk_space, drain, gates, reach
from .definitions import compose_of, read
from .run import World
from .stack_images import fetch, lacks, moved

COUNTS = 3  # more than a killed run can come late with
_NO_WAY_BACK = "What it was made of before is on no record, and cannot be gone back to."


def place(world: World, _step: Step) -> str:
    """Keep the definition on the host and have its images here."""
    on, compose, artifact = world.on, compose_of(world), world.want.artifact
    found = (compose.known(artifact) if artifact else None) or read(on, world.want, compose, place=True)
    names = sorted({service.image for service in found.services})
    pinned = compose.images(found.identity)
    missing = [name for name in names if lacks(world, name, pinned.get(name))]
    if missing:
        disk_space.refuse_full_disk(world)
        fetch(world, compose, found.identity, {name: pinned.get(name) for name in missing})
    for name in names:
        image = on.engine.images.get(name, fresh=True)
        if image is not None and (name not in pinned or lacks(world, name, pinned[name])):
            pinned[name] = Pinned(image.id, tuple(release_images.exact(name, image)))
        if image is not None and name in missing:
            on.store.remember_pull(pinned[name].image_id, name, on.clock.now())
    compose.pin(found.identity, pinned)
    _say_misled(world, found)
    return f"{len(found.services)} services"


def _say_misled(world: World, found: Definition) -> None:
    """Say whose names lead to addresses that the wall between workloads refuses, and what leads past it."""
    names = stack_networks.misled(found.model)
    network = world.want.stack.network if world.want.stack else ""
    if names and proxy_entry.wall_is_wanted(world.on.state_dir) and world.on.engine.networks.kept_for_proxy(network):
        others = ", ".join(f"{name}.{shared}" for name, shared in names.items())
        cause = f"Routed services of this project get each other's address in {network}, where a wall is between them"
        world.warnings.append(f"{cause}. They reach each other by these names: {others}.")


def roll(world: World, step: Step) -> str:
    """Bring one service to its definition: beside itself where that can be, else in its place."""
    service, wanted = t.cast("Service", step.service), t.cast("Definition", step.definition)
    want = _bringing(world, step.release)
    in_place = service.in_place or service.completes
    going = _going(world, step)
    if step.anew and not going:
        return f"{service.name}: as it was"
    if in_place:  # what is recreated in its place keeps its name; what is replaced beside itself does not
        going = ()
    _bury(world, service)
    before = {c.name for c in _members(world, service) if c.name not in going}
    if in_place:
        _hold(world, want, service, anew=step.anew)
        _up(world, wanted, service.name, anew=step.anew)
    else:
        _start_beside(world, wanted, service, going)
    names = stacks.newest(service, [c for c in _members(world, service) if c.name not in going])
    old = [c.name for c in _members(world, service) if c.name not in names]
    try:
        gates.of_service(world, want, service, names)
        route(world, want, wanted, {service.name: names})
    except Unhealthy as error:
        if not in_place:
            _route_back(world, service, old, sorted(set(names) - before))
        _say_true(world, error)
        raise
    _drain(world, want, old)
    for name in old:
        _stop_and_remove(world, name)
    return f"{service.name}: {', '.join(names)}"


def _going(world: World, step: Step) -> tuple[str, ...]:
    """Containers that are to be others whatever they are; on a way back, if what they depend on was replaced."""
    service, wanted = t.cast("Service", step.service), t.cast("Definition", step.definition)
    if not (step.anew and world.undoing):
        return step.containers
    before = {(c.name, c.created) for c in world.have.containers}
    needs, there = wanted.restarted_after(service.name), _all(world)
    replaced = any(c.service in needs and (c.name, c.created) not in before for c in there)
    return tuple(c.name for c in there if replaced and c.service == service.name)


def _start_beside(world: World, wanted: Definition, service: Service, going: t.Collection[str]) -> None:
    """Have Compose make the containers that are missing, beside those that run.

    What a killed run asked the engine for may come after they were counted, and for Compose it is one of them.
    """
    for _count in range(COUNTS):
        members = _members(world, service)
        missing = service.replicas - sum(c.name not in going and stacks.same(c, service) for c in members)
        if missing <= 0:
            return
        _up(world, wanted, service.name, scale=len(members) + missing)


def _say_true(world: World, error: Unhealthy) -> None:
    """Have an error say that what served before still serves only where that is so: a lost record has no way back."""
    now = {(c.name, c.created) for c in _all(world) if c.serves}
    if world.have.live_definition is None and any(
        c.serves and (c.name, c.created) not in now for c in world.have.containers
    ):
        error.remedy = error.remedy.replace(gates.STILL_SERVES, _NO_WAY_BACK)


def _route_back(world: World, service: Service, old: t.Sequence[str], fresh: t.Sequence[str]) -> None:
    """Send requests to the old containers again, if they came to the new ones at all, and remove these."""
    want, before = _bringing(world, world.have.live), _readable(world)
    rest = [c for c in _members(world, service) if c.name not in fresh]
    fit = [c.name for c in rest if c.serves and c.name in old] or [c.name for c in rest if c.serves] or old
    document = routing_documents.stack_document(want, stacks.targets(want, _all(world), {service.name: fit}))
    if before is not None and document is not None:
        document = routing_documents.merged(before, document, want, [service.name])
    if old and document is not None and document != before:
        world.on.traefik.place(world.key, document)
    _drain(world, want, fresh)
    for name in fresh:
        _stop_and_remove(world, name)


def _bringing(world: World, release: Release | None) -> Workload:
    """The declaration with the routed services of the release that is brought; on a way back, of an earlier one."""
    want = world.want
    if release is None or want.stack is None or not terms(release).is_stack:
        return want
    recorded = terms(release)
    return replace(want, stack=replace(want.stack, exposed=recorded.exposed), routes=recorded.routes)


def _hold(world: World, want: Workload, service: Service, *, anew: bool) -> None:
    """While a routed service is away, who asks for it is told when to come back; what is under way may end."""
    old = [c.name for c in _members(world, service) if c.state == "running" and (anew or not stacks.same(c, service))]
    document = _readable(world)
    held = (
        routing_documents.stack_without_servers(want, document, [service.name])
        if old and document is not None
        else None
    )
    if held is not None and held != document:
        world.on.traefik.place(world.key, held)
    _drain(world, want, old)


def _bury(world: World, service: Service) -> None:
    """Remove what is dead of a service and would be counted by Compose, which carries over what is in place.

    What runs may answer although it is unhealthy: it leaves as others do, once there is something better.
    """
    if service.in_place:
        return
    for container in _members(world, service):
        if container.state != "running" and not stacks.good(container, service):
            world.on.engine.containers.remove(container.name)


def unroll(world: World, step: Step) -> str:
    """Remove what a first deployment made of a service, or of all; as an undo, nothing whose record is lost."""
    before = world.have if step.definition is not None else Actual()
    kept = stacks.spared(before)
    mine = _all(world) if step.service is None else _members(world, step.service)
    gone = [c.name for c in mine if c.name not in kept]
    document = _readable(world)
    if step.service is not None and document is not None:
        rest = routing_documents.merged(document, stacks.routed(before), world.want, [step.service.name])
        if not routing_documents.routers_of(rest):
            world.on.traefik.withdraw(world.key)
        elif rest != document:
            world.on.traefik.place(world.key, rest)
    _drain(world, world.want, gone)
    for name in gone:
        _stop_and_remove(world, name)
    return ", ".join(gone)


def up(world: World, step: Step) -> str:
    """Have Compose bring the whole stack to its definition, and pass every routed service's gate."""
    wanted, want = t.cast("Definition", step.definition), _bringing(world, step.release)
    # They are held; what is under way may end.
    changed = [c for c in _all(world) if not any(stacks.same(c, one) for one in wanted.services)]
    restarted = wanted.restarted_with(c.service for c in changed)
    going = [c.name for c in _all(world) if c in changed or c.service in restarted]
    _drain(world, want, going)
    _up(world, wanted)
    try:
        passed = {service.name: [c.name for c in _members(world, service)] for service in wanted.services}
        for service in wanted.services:
            gates.of_service(world, want, service, passed[service.name])
        # Who passed gets its requests, also where its image's own check finds it unhealthy.
        exposed = want.stack.exposed if want.stack else ()
        route(world, want, wanted, {one.service: passed.get(one.service, ()) for one in exposed})
    except Unhealthy as error:
        _say_true(world, error)
        raise
    return f"{len(wanted.services)} services"


def _up(world: World, wanted: Definition, service: str = "", scale: int = 0, *, anew: bool = False) -> None:
    """Run Compose, once every volume is there: those that exist are used as they are, whoever made them."""
    for volume in labelled(wanted.model):
        world.on.engine.volumes.ensure(volume.name, volume.labels, volume.driver, volume.options)
    compose_of(world).up(wanted, moved(world, wanted, service), service, scale, anew=anew)


def with_containers(world: World, release: Release) -> Release:
    """A stack's release with the containers and routes that it came to have."""
    names = tuple(sorted(c.name for c in _all(world)))
    return replace(release, containers=names, route=world.on.traefik.read(world.key))


def route(world: World, want: Workload, wanted: Definition, only: t.Mapping[str, t.Collection[str]]) -> None:
    """Send the routed services' requests to what runs now; of some services to these containers alone.

    Services that are yet to be brought keep their routes as they are: their containers may listen elsewhere.

    :raises Unhealthy: Traefik does not reach one of these.
    """
    there, before = _all(world), _readable(world)
    document: dict[str, t.Any] | None = routing_documents.stack_document(want, stacks.targets(want, there, only))
    exposed = [one.service for one in (want.stack.exposed if want.stack else ())]
    ready = [name for name in exposed if name in only or any(_brought(c, wanted.service(name)) for c in there)]
    if before is not None and document is not None and len(ready) < len(exposed):
        document = routing_documents.merged(before, document, want, ready)
    if document is None or document == before:
        return
    asks = {} if world.undoing else reach.of_services(world.key, terms(world.want).exposed)
    mine = {f"{world.key}-{name}" for name in ready if not only or name in only}
    asked = {key: ask for key, ask in asks.items() if key in mine}
    reach.judge(world, world.on.traefik.ask(world.key, document, asked, world.have.routed))
    world.on.traefik.place(world.key, document)


def _brought(container: Container, service: Service | None) -> bool:
    return service is not None and container.serves and stacks.same(container, service)


def _readable(world: World) -> Document | None:
    """The routes in place, if they are the platform's."""
    found = world.on.traefik.read(world.key)
    return found if routing_documents.is_routing(found) else None


def _all(world: World) -> tuple[Container, ...]:
    return world.on.engine.containers.by_subject(world.subject).get(world.subject, ())


def _members(world: World, service: Service) -> list[Container]:
    return [c for c in _all(world) if c.service == service.name]


def _drain(world: World, want: Workload, names: t.Sequence[str]) -> None:
    """Wait until nothing is in flight to containers of any release; what is not routed has no port to look at."""
    if names:
        have = replace(world.have, containers=_all(world))
        drain.drain_containers(world, names, leave.leaving(want, have, names, _proposed(world)))


def _proposed(world: World) -> Release:
    """What is declared, as a release that is on no record yet."""
    return Release(world.deployment, world.want.container.image, "", "", (), None, world.want.snapshot)


def _stop_and_remove(world: World, name: str) -> None:
    """Stop by the container's own grace period, and remove it; one that another run removed is fine."""
    facts = world.on.engine.containers.inspect(name)
    if facts is None:
        return
    try:
        world.on.engine.containers.stop(name, None)
    except EngineFailure:
        if world.on.engine.containers.inspect(name) is not None:
            raise
    world.on.engine.containers.remove(name)
