# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition of a stack: kept on the host, or read anew from its source."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..engine.listing import ownership
from ..host.host_access import HostAccess
from ..host.places import Places
from ..options.snapshot import terms
from ..sources.compose import Compose
from ..sources.compose_host_access import refuse_project
from ..sources.compose_volumes import declared as volumes_declared
from ..sources.source_trees import SourceTrees
from ..sources.trees import every_path
from ..values.identity import Subject, key_of
from ..values.release import Release
from ..values.stack import Definition, Stack
from ..values.workload import Workload
from .run import Platform, Run


def kept(on: Platform, subject: Subject, release: Release | None) -> Definition | None:
    """The definition of a stack's release, while it is kept; None for other releases."""
    if release is None or not terms(release).is_stack:
        return None
    return definition_of(on, subject, release.image_id)


def definition_of(on: Platform, subject: Subject, identity: str) -> Definition | None:
    """A definition of a workload, while it is kept."""
    place = Places(on.state_dir).stack(key_of(*subject))
    return Compose(place, on.engine.docker_host, on.clock, lambda _line: None).known(identity)


def volumes_of(on: Platform, subject: Subject, live: Release) -> dict[str, str]:
    """The volumes that a release mounts by name, and where; of a Compose project's it does not matter where."""
    definition = kept(on, subject, live)
    found = {volume.name: "/data" for volume in volumes_declared(definition.model)} if definition else {}
    return {**found, **terms(live).named_volumes}


def compose_of(run: Run) -> Compose:
    """Compose for a run's workload."""
    on = run.on
    place = Places(on.state_dir).stack(run.key)
    return Compose(place, on.engine.docker_host, run.watch, lambda line: run.tell(run.key, line.strip()))


def read(on: Platform, want: Workload, compose: Compose, *, place: bool = False) -> Definition:
    """What is declared, as Compose reads it; one that is kept is not read again.

    :param place: keep it, with the files that it mounts.
    """
    stack = want.stack
    if stack is None:
        raise ValueError("only a stack has a definition")
    workshop = SourceTrees(on.state_dir, key_of(*want.subject), on.clock)
    owner = ownership(on.state_dir, want.subject)
    tree = workshop.identity(stack.source, every_path) if stack.source else ""
    declared = stack.identity(tree, owner)
    walls = HostAccess(on.state_dir, on.engine.docker_host)
    known = compose.known(compose.identity(declared, stack.env_files))
    if known is not None:
        _refuse_unsafe(stack, walls, known, compose)
        return known
    with _files_of(stack, workshop) as root:
        found = compose.read(stack, declared, root, owner, on.secrets.version)
        _refuse_unsafe(stack, walls, found, compose)
        if place:
            compose.place(found, (secret.value for secret in stack.secrets))
    return found


def _refuse_unsafe(stack: Stack, walls: HostAccess, found: Definition, compose: Compose) -> None:
    if not stack.unsafe:
        refuse_project(walls, found.model, compose.folder, found.outside)


@contextlib.contextmanager
def _files_of(stack: Stack, workshop: SourceTrees) -> t.Iterator[str]:
    """The directory that a stack's file is read in."""
    try:
        if stack.source is None:
            root = workshop.file("inline")
            os.makedirs(root, exist_ok=True)
            yield root
        else:
            with workshop.tree(stack.source) as (root, _commit):
                yield root
    finally:
        workshop.clear()
