# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers and volumes that carry the platform's labels, but that nothing on record has.

The record may be lost, or older than the host. Nobody who has only the record may remove such a container: what nobody
remembers may be all that serves. A declaration takes its place, and `state: absent` removes it.
"""

from __future__ import annotations

import typing as t

from ..values.actual import Actual, Container
from ..values.errors import Unrecorded
from ..values.identity import Subject, key_of
from ..values.release import Standing
from .run import Platform
from .store_reads import Made

REMEDY = "Deploy its declaration, which takes it over, or remove it with state=absent."
FLEETS_REMEDY = (
    "A run over many hosts could not go back to it: deploy its declaration on this host alone first, which takes it "
    "over, or remove it with state=absent."
)


def unrecorded(on: Platform, subject: Subject, found: t.Sequence[Container]) -> tuple[Container, ...]:
    """Those of a workload's containers that no deployment on record made."""
    if not found:
        return ()
    made = on.store.made(subject)
    ids = {row.id for row in made}
    return tuple(c for c in found if not (c.deployment in ids if c.deployment else _of_a_stack(on, subject, made, c)))


def refuse_no_way_back(on: Platform, subject: Subject, have: Actual) -> None:
    """Leave a host alone that could not go back to what it has: what serves there may be what nobody remembers.

    :raises Unrecorded: there is such a container, and not all of a live release.
    """
    own = have.live.containers if have.live else ()
    if have.live is not None and len(have.named(own)) == len(own):
        return
    found = unrecorded(on, subject, [c for c in have.containers if c.name not in own])
    if found:
        raise refusal(key_of(*subject), found, FLEETS_REMEDY)


def refusal(key: str, found: t.Iterable[Container], remedy: str = REMEDY) -> Unrecorded:
    """What is said of them."""
    told = ", ".join(f"{c.name} ({c.state})" for c in found)
    cause = f"{told}: of what release is not on record, so that nothing is touched"
    return Unrecorded(cause, subject=key, remedy=remedy)


def volumes_left(on: Platform, known: t.Mapping[Subject, Standing]) -> dict[Subject, tuple[str, ...]]:
    """Volumes of workloads that are not on record, whose teardown kept them, or was killed before it removed them.

    :param known: what is on record of every workload.
    """
    here = {subject for subject, has in known.items() if has.live or has.attempt}
    return {subject: names for subject, names in on.engine.volumes.by_subject().items() if subject not in here}


def containers_left(on: Platform, known: t.Mapping[Subject, Standing]) -> dict[Subject, tuple[Container, ...]]:
    """Containers of workloads that are not on record: whose record is lost, or that a failed deployment left.

    :param known: what is on record of every workload.
    """
    here = {subject for subject, has in known.items() if has.live or has.attempt}
    return {subject: found for subject, found in on.engine.containers.by_subject().items() if subject not in here}


def _of_a_stack(on: Platform, subject: Subject, made: t.Iterable[Made], container: Container) -> bool:
    """Compose's containers carry no deployment: it is one that declared just this service, and began before it."""
    for row in made:
        if row.compose and container.created >= int(row.begun_at):
            from .definitions import definition_of  # loaded only for projects

            known = definition_of(on, subject, row.artifact)
            if known and any(service.fingerprint == container.fingerprint for service in known.services):
                return True
    return False
