# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts of a stack: placing its definition, rolling a service, going back."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide import stack_networks, stacks
from ..engine import release_images
from ..host import proxy_entry
from ..options.snapshot import terms
from ..proxy import routing_documents
from ..sources.compose_volumes import labelled
from ..sources.kept_definitions import Pinned
from ..values.actual import Actual, Container
from ..values.errors import Unhealthy
from ..values.identity import Document
from ..values.plan import Step
from ..values.release import Release
from ..values.stack import Definition, Service
from ..values.workload import Workload
from . import disk_space, gates, reach
from .definitions import compose_of, read
from .run import Run
from .stack_containers import bury, drain_out, everything, members, stop_and_remove
from .stack_images import fetch, lacks, moved

COUNTS = 3  # more than a killed run can come late with
_NO_WAY_BACK = "What it was made of before is on no record, and cannot be gone back to."


def place(run: Run, _step: Step) -> str:
    """Keep the definition on the host and have its images here."""
    on, compose, artifact = run.on, compose_of(run), run.want.artifact
    found = (compose.known(artifact) if artifact else None) or read(on, run.want, compose, place=True)
    names = sorted({service.image for service in found.services})
    pinned = compose.images(found.identity)
    missing = [name for name in names if lacks(run, name, pinned.get(name))]
    if missing:
        disk_space.refuse_full_disk(run)
        fetch(run, compose, found.identity, {name: pinned.get(name) for name in missing})
    for name in names:
        image = on.engine.images.get(name, fresh=True)
        if image is not None and (name not in pinned or lacks(run, name, pinned[name])):
            pinned[name] = Pinned(image.id, tuple(release_images.exact(name, image)))
        if image is not None and name in missing:
            on.store.remember_pull(pinned[name].image_id, name, on.clock.now())
    compose.pin(found.identity, pinned)
    _say_misled(run, found)
    return f"{len(found.services)} services"


def _say_misled(run: Run, found: Definition) -> None:
    """Say whose names lead to addresses that the wall between workloads refuses, and what leads past it."""
    names = stack_networks.misled(found.model)
    network = run.want.stack.network if run.want.stack else ""
    if names and proxy_entry.wall_is_wanted(run.on.state_dir) and run.on.engine.networks.kept_for_proxy(network):
        others = ", ".join(f"{name}.{shared}" for name, shared in names.items())
        cause = f"Routed services of this project get each other's address in {network}, where a wall is between them"
        run.warnings.append(f"{cause}. They reach each other by these names: {others}.")


def roll(run: Run, step: Step) -> str:
    """Bring one service to its definition: beside itself where that can be, else in its place."""
    service, wanted = t.cast("Service", step.service), t.cast("Definition", step.definition)
    want = _bringing(run, step.release)
    in_place = service.in_place or service.completes
    going = _going(run, step)
    if step.anew and not going:
        return f"{service.name}: as it was"
    if in_place:  # what is recreated in its place keeps its name; what is replaced beside itself does not
        going = ()
    bury(run, service)
    before = {c.name for c in members(run, service) if c.name not in going}
    if in_place:
        _hold(run, want, service, anew=step.anew)
        _up(run, wanted, service.name, anew=step.anew)
    else:
        _start_beside(run, wanted, service, going)
    names = stacks.newest(service, [c for c in members(run, service) if c.name not in going])
    old = [c.name for c in members(run, service) if c.name not in names]
    try:
        gates.of_service(run, want, service, names)
        route(run, want, wanted, {service.name: names})
    except Unhealthy as error:
        if not in_place:
            _route_back(run, service, old, sorted(set(names) - before))
        _say_true(run, error)
        raise
    drain_out(run, want, old)
    for name in old:
        stop_and_remove(run, name)
    return f"{service.name}: {', '.join(names)}"


def _going(run: Run, step: Step) -> tuple[str, ...]:
    """Containers that are to be others whatever they are; on a way back, if what they depend on was replaced."""
    service, wanted = t.cast("Service", step.service), t.cast("Definition", step.definition)
    if not (step.anew and run.deployment.undoing):
        return step.containers
    before = {(c.name, c.created) for c in run.have.containers}
    needs, there = wanted.restarted_after(service.name), everything(run)
    replaced = any(c.service in needs and (c.name, c.created) not in before for c in there)
    return tuple(c.name for c in there if replaced and c.service == service.name)


def _start_beside(run: Run, wanted: Definition, service: Service, going: t.Collection[str]) -> None:
    """Have Compose make the containers that are missing, beside those that run.

    What a killed run asked the engine for may come after they were counted, and for Compose it is one of them.
    """
    for _count in range(COUNTS):
        there = members(run, service)
        missing = service.replicas - sum(c.name not in going and stacks.same(c, service) for c in there)
        if missing <= 0:
            return
        _up(run, wanted, service.name, scale=len(there) + missing)


def _say_true(run: Run, error: Unhealthy) -> None:
    """Have an error say that what served before still serves only where that is so: a lost record has no way back."""
    now = {(c.name, c.created) for c in everything(run) if c.serves}
    if run.have.live_definition is None and any(
        c.serves and (c.name, c.created) not in now for c in run.have.containers
    ):
        error.remedy = error.remedy.replace(gates.STILL_SERVES, _NO_WAY_BACK)


def _route_back(run: Run, service: Service, old: t.Sequence[str], fresh: t.Sequence[str]) -> None:
    """Send requests to the old containers again, if they came to the new ones at all, and remove these."""
    want, before = _bringing(run, run.have.live), _readable(run)
    rest = [c for c in members(run, service) if c.name not in fresh]
    fit = [c.name for c in rest if c.serves and c.name in old] or [c.name for c in rest if c.serves] or old
    document = routing_documents.stack_document(want, stacks.targets(want, everything(run), {service.name: fit}))
    if before is not None and document is not None:
        document = routing_documents.merged(before, document, want, [service.name])
    if old and document is not None and document != before:
        run.on.traefik.place(run.key, document)
    drain_out(run, want, fresh)
    for name in fresh:
        stop_and_remove(run, name)


def _bringing(run: Run, release: Release | None) -> Workload:
    """The declaration with the routed services of the release that is brought; on a way back, of an earlier one."""
    want = run.want
    if release is None or want.stack is None or not terms(release).is_stack:
        return want
    recorded = terms(release)
    return replace(want, stack=replace(want.stack, exposed=recorded.exposed), routes=recorded.routes)


def _hold(run: Run, want: Workload, service: Service, *, anew: bool) -> None:
    """While a routed service is away, who asks for it is told when to come back; what is under way may end."""
    old = [c.name for c in members(run, service) if c.state == "running" and (anew or not stacks.same(c, service))]
    document = _readable(run)
    held = (
        routing_documents.stack_without_servers(want, document, [service.name])
        if old and document is not None
        else None
    )
    if held is not None and held != document:
        run.on.traefik.place(run.key, held)
    drain_out(run, want, old)


def unroll(run: Run, step: Step) -> str:
    """Remove what a first deployment made of a service, or of all; as an undo, nothing whose record is lost."""
    before = run.have if step.definition is not None else Actual()
    kept = stacks.spared(before)
    mine = everything(run) if step.service is None else members(run, step.service)
    gone = [c.name for c in mine if c.name not in kept]
    document = _readable(run)
    if step.service is not None and document is not None:
        rest = routing_documents.merged(document, stacks.routed(before), run.want, [step.service.name])
        if not routing_documents.routers_of(rest):
            run.on.traefik.unroute(run.key)
        elif rest != document:
            run.on.traefik.place(run.key, rest)
    drain_out(run, run.want, gone)
    for name in gone:
        stop_and_remove(run, name)
    return ", ".join(gone)


def up(run: Run, step: Step) -> str:
    """Have Compose bring the whole stack to its definition, and pass every routed service's gate."""
    wanted, want = t.cast("Definition", step.definition), _bringing(run, step.release)
    # They are held; what is under way may end.
    changed = [c for c in everything(run) if not any(stacks.same(c, one) for one in wanted.services)]
    restarted = wanted.restarted_with(c.service for c in changed)
    going = [c.name for c in everything(run) if c in changed or c.service in restarted]
    drain_out(run, want, going)
    _up(run, wanted)
    try:
        passed = {service.name: [c.name for c in members(run, service)] for service in wanted.services}
        for service in wanted.services:
            gates.of_service(run, want, service, passed[service.name])
        # Who passed gets its requests, also where its image's own check finds it unhealthy.
        exposed = want.stack.exposed if want.stack else ()
        route(run, want, wanted, {one.service: passed.get(one.service, ()) for one in exposed})
    except Unhealthy as error:
        _say_true(run, error)
        raise
    return f"{len(wanted.services)} services"


def _up(run: Run, wanted: Definition, service: str = "", scale: int = 0, *, anew: bool = False) -> None:
    """Run Compose, once every volume is there: those that exist are used as they are, whoever made them."""
    for volume in labelled(wanted.model):
        run.on.engine.volumes.ensure(volume.name, volume.labels, volume.driver, volume.options)
    compose_of(run).up(wanted, moved(run, wanted, service), service, scale, anew=anew)


def with_containers(run: Run, release: Release) -> Release:
    """A stack's release with the containers and routes that it came to have."""
    names = tuple(sorted(c.name for c in everything(run)))
    return replace(release, containers=names, route=run.on.traefik.read(run.key))


def route(run: Run, want: Workload, wanted: Definition, only: t.Mapping[str, t.Collection[str]]) -> None:
    """Send the routed services' requests to what runs now; of some services to these containers alone.

    Services that are yet to be brought keep their routes as they are: their containers may listen elsewhere.

    :raises Unhealthy: Traefik does not reach one of these.
    """
    there, before = everything(run), _readable(run)
    document: dict[str, t.Any] | None = routing_documents.stack_document(want, stacks.targets(want, there, only))
    exposed = [one.service for one in (want.stack.exposed if want.stack else ())]
    ready = [name for name in exposed if name in only or any(_brought(c, wanted.service(name)) for c in there)]
    if before is not None and document is not None and len(ready) < len(exposed):
        document = routing_documents.merged(before, document, want, ready)
    if document is None or document == before:
        return
    asks = {} if run.deployment.undoing else reach.of_services(run.key, terms(run.want).exposed)
    mine = {f"{run.key}-{name}" for name in ready if not only or name in only}
    asked = {key: ask for key, ask in asks.items() if key in mine}
    reach.judge(run, run.on.traefik.ask(run.key, document, asked, run.have.routed))
    run.on.traefik.place(run.key, document)


def _brought(container: Container, service: Service | None) -> bool:
    return service is not None and container.serves and stacks.same(container, service)


def _readable(run: Run) -> Document | None:
    """The routes in place, if they are the platform's."""
    found = run.on.traefik.read(run.key)
    return found if routing_documents.is_routing(found) else None
