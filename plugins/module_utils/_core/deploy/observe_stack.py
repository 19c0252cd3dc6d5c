# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the host for a Compose project: its definition, its services' containers, and whose else they may be."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..decide.stacks import good
from ..host.places import Places
from ..sources import compose_version
from ..sources.compose import Compose
from ..sources.compose_model import pinned, with_images
from ..sources.compose_volumes import declared, refuse_another
from ..values import identity
from ..values.actual import Actual, Container
from ..values.errors import InvalidOption
from ..values.release import Standing
from ..values.stack import Definition
from ..values.workload import Workload
from .definitions import read
from .run import Platform
from .unrecorded import unrecorded
from .volumes import refuse_unfilled
from .wanted_image import images_of


def of_stack(
    want: Workload, known: Standing, have: tuple[Container, ...], claimed: tuple[tuple[str, str], ...], on: Platform
) -> Actual:
    """What is found for a Compose project: its definition is read, or kept from before.

    :raises InvalidOption: Compose refuses it, or the project is somebody else's.
    """
    key = identity.key_of(*want.subject)
    compose = Compose(Places(on.state_dir).stack(key), on.engine.docker_host, on.clock, lambda _line: None)
    _refuse_project(want, on, known)
    found = compose.known(want.artifact) if want.artifact else read(on, want, compose)
    if found is None:
        remedy = "Nothing was touched. Deploy the declaration, which brings it again."
        raise InvalidOption("compose", want.artifact, "is not kept on this host any more", remedy)
    before = compose.known(known.live.image_id) if known.live else None
    actual = Actual(
        containers=have,
        live=known.live,
        previous=known.previous,
        attempt=known.attempt,
        route=on.traefik.read(key),
        pull_needed=compose.known(found.identity) is None,
        claimed=claimed,
        sequence=known.sequence,
        definition=found,
        live_definition=before,
        newest=on.store.newest(want.subject) if _restarts(found) else "",
    )
    if want.force or actual.unfinished or not _settled(found, known, have):
        return _look_closely(want, actual, compose, on)
    return actual


def _look_closely(want: Workload, actual: Actual, compose: Compose, on: Platform) -> Actual:
    """The same with what has to be known where something will be made.

    :raises InvalidOption: a name, a volume or an option keeps it from being made.
    """
    found, before = actual.definition, actual.live_definition
    if found is None:
        return actual
    compose_version.require(on.clock)
    _refuse_names(want, found, on)
    refuse_unfilled(on.engine, on.state_dir, [volume.name for volume in declared(found.model)])
    if before is None or before.identity != found.identity:  # else it was made by just this
        refuse_another(found.model, on.engine.volumes.by_name())
    pull_needed = actual.pull_needed or not _complete(on, found)
    if compose.known(found.identity) is None:  # what it will be pinned to
        images = images_of(on, found)
        found = pinned(found, {name: image.id for name, image in images.items()})
    before = before and _with_volumes(on, before)
    strange = [c for c in actual.containers if before is None or before.service(c.service) is None]
    return replace(
        actual,
        pull_needed=pull_needed,
        definition=_with_volumes(on, found),
        live_definition=before,
        unrecorded=tuple(c.name for c in unrecorded(on, want.subject, strange)),
    )


def _restarts(found: Definition) -> bool:
    return any(found.restarted_after(service.name) for service in found.services)


def _complete(on: Platform, definition: Definition) -> bool:
    """True while the engine has all images by their names, and those that they were pinned to."""
    names = {name for service in definition.services for name in (service.image, service.image_id) if name}
    return all(on.engine.images.get(name) is not None for name in sorted(names))


def _with_volumes(on: Platform, definition: Definition) -> Definition:
    return with_images(definition, {name: image.volumes for name, image in images_of(on, definition).items()})


def _settled(found: Definition, known: Standing, have: t.Sequence[Container]) -> bool:
    """True while every service of the live definition has its containers, so that nothing of it will be made."""
    if known.live is None or known.live.image_id != found.identity:
        return False
    return all(sum(good(c, service) for c in have) == service.replicas for service in found.services)


def _refuse_project(want: Workload, on: Platform, known: Standing) -> None:
    """Never touch containers of a project that another has (DS-T8), or leave those of an earlier name behind."""
    project = want.stack.project if want.stack else ""
    if on.engine.containers.project_owners(project) - {want.subject}:
        cause = "is a Compose project that is not this workload's"
        remedy = f"Choose another name, or take its containers away; `docker compose -p {project} down` keeps its"
        raise InvalidOption("compose.project", project, cause, f"{remedy} volumes, which are then used as they are.")
    if known.live is not None and known.live.image != want.container.image:
        cause = f"cannot be changed, {known.live.image.partition('/')[2]} is live"
        remedy = "Its volumes are called by it: keep the name, or tear the workload down and copy their data over."
        raise InvalidOption("compose.project", project, cause, remedy)


def _refuse_names(want: Workload, found: Definition, on: Platform) -> None:
    """Refuse names of containers that somebody else's have: Compose would only notice once it has begun."""
    named = {row["container_name"]: name for name, row in found.model["services"].items() if row.get("container_name")}
    for taken in on.engine.containers.strangers(named, want.subject):
        cause = f"is {taken}, the name of a container that is not this workload's"
        remedy = "Choose another name, or remove that container first."
        raise InvalidOption("compose", f"services.{named[taken]}.container_name", cause, remedy)
