# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the host: everything that deciding needs, for one workload or for all."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ..engine import listing
from ..host import packet_filter, published_ports, release_files
from ..host.host_access import HostAccess, refuse_capabilities, refuse_mounts
from ..host.places import Places
from ..options.snapshot import terms
from ..values import identity
from ..values.actual import Actual, Container, Volume
from ..values.identity import Subject
from ..values.release import Standing
from ..values.workload import State, Strategy, Workload
from .run import Platform
from .volumes import refuse_unfilled
from .wanted_image import FindImage, find_artifact


class Survey(t.NamedTuple):
    """One look at the host. Containers are read before the store, so that nothing looks unchanged that is not."""

    on: Platform
    containers: dict[Subject, tuple[Container, ...]]
    known: dict[Subject, Standing]
    claims: dict[str, Subject]
    find_image: FindImage

    def of(self, want: Workload) -> Actual:
        """The part of one workload: one file is read, and the image listing is asked.

        :raises InvalidOption: the image may not, or cannot, be used.
        """
        known = self.known.get(want.subject, Standing())
        if want.stack is not None:
            from .observe_stack import of_stack  # loaded only for projects

            return of_stack(want, known, self.containers.get(want.subject, ()), _claimed(want, self.claims), self.on)
        _refuse_unsafe(want, self.on)
        if want.state is State.PRESENT:
            mounts = [mount.source for mount in want.container.mounts]
            refuse_unfilled(self.on.engine, self.on.state_dir, mounts)
        image, pull_needed, reference = find_artifact(want, self.on, self.find_image)
        containers = self.containers.get(want.subject, ())
        return Actual(
            containers=containers if known.live or known.attempt else _recorded(want.subject, containers, self.on),
            live=known.live,
            previous=known.previous,
            attempt=known.attempt,
            route=self.on.traefik.read(identity.key_of(*want.subject)),
            image=image,
            pull_needed=pull_needed,
            reference=reference,
            claimed=_claimed(want, self.claims),
            volumes=_volumes(want, self.on) if want.remove_volumes else (),
            sequence=known.sequence,
            diverted=_diverted(known, self.on.state_dir),
            left=want.state is State.ABSENT and _left(identity.key_of(*want.subject), self.on),
        )


def _left(key: str, on: Platform) -> bool:
    """Whether files of a workload are here: also of one that never was live."""
    folders = (Places(on.state_dir).site(key), Places(on.state_dir).stack(key))
    return bool(on.secrets.held(key) or release_files.held(on.state_dir, key) or any(map(os.path.exists, folders)))


def _recorded(subject: Subject, containers: tuple[Container, ...], on: Platform) -> tuple[Container, ...]:
    """Containers of a workload that is not on record, with what was written down of their releases."""
    key = identity.key_of(*subject)
    return tuple(replace(c, record=release_files.read(on.state_dir, key, c.deployment) or c.record) for c in containers)


def _refuse_unsafe(want: Workload, on: Platform) -> None:
    """Refuse what hands the host to a container, unless the declaration says that it shall; a record was judged."""
    if want.state is not State.PRESENT or want.artifact or terms(want).unsafe:
        return
    refuse_capabilities(want.container.cap_add)
    volumes = terms(want).volumes
    if volumes:
        refuse_mounts(HostAccess(on.state_dir, on.engine.docker_host), volumes)


def survey(on: Platform, list_images: bool = True) -> Survey:
    """One observation of everything: two requests to the engine and three queries, however many workloads there are.

    :param list_images: False after a run, which knows those that matter, and which no others are worth 25 ms for.
    """
    containers = on.engine.containers.by_subject()
    images = on.engine.images.by_name() if list_images else {}
    return Survey(
        on=on,
        containers=containers,
        known=on.store.known(),
        claims=on.store.claims(),
        find_image=lambda reference: images.get(listing.familiar(reference)) or on.engine.images.get(reference),
    )


def observe(want: Workload, on: Platform, deep: bool = False, before: Survey | None = None) -> Actual:
    """One filtered listing, one image, one file, three queries.

    :param deep: also inspect the live containers for what was changed on them by hand.
    :param before: a look at the whole host, from before the workload was locked. As long as its record is the same, no
        run has replaced its containers, and they are not listed again.
    """
    if before is not None and on.store.known(want.subject).get(want.subject) == before.known.get(want.subject):
        containers, known = before.containers, before.known
    else:
        containers, known = on.engine.containers.by_subject(want.subject), on.store.known(want.subject)
    have = Survey(on, containers, known, on.store.claims() if want.claims else {}, on.engine.images.get).of(want)
    return replace(have, containers=_inspected(want, have, on)) if deep and want.container.image else have


def _inspected(want: Workload, have: Actual, on: Platform) -> tuple[Container, ...]:
    own = have.live.containers if have.live else ()
    ports = terms(have.live).ports if have.live else ()
    in_vain = published_ports.given_up(on.state_dir, identity.key_of(*want.subject)) if ports else {}
    found = []
    for container in have.containers:
        facts = on.engine.containers.inspect(container.name) if container.name in own else None
        changes = listing.altered(facts, want.container) if facts else ()
        if facts and facts.state == "running":
            closed = published_ports.refused(ports, facts.reachable, on.clock)
            changes += tuple(way for way in closed if way not in in_vain.get(container.name, ()))
        found.append(replace(container, altered=changes))
    return tuple(found)


def _diverted(known: Standing, state_dir: str) -> bool:
    """Whether an interrupted handover left its connections diverted; asked only where there is one."""
    candidate = known.attempt.candidate if known.attempt else None
    if candidate is None or terms(candidate).strategy is not Strategy.HANDOVER:
        return False
    return packet_filter.active(packet_filter.whose(terms(candidate).key, state_dir))


def _claimed(want: Workload, claims: dict[str, Subject]) -> tuple[tuple[str, str], ...]:
    """Which of the declared routes belong to another workload."""
    owners = [(claim, claims[claim]) for claim in want.claims if claims.get(claim, want.subject) != want.subject]
    return tuple((claim, f"{owner.workload} ({owner.environment})") for claim, owner in owners)


def _volumes(want: Workload, on: Platform) -> tuple[Volume, ...]:
    """The workload's volumes, and who else uses them: other containers, or other workloads' declarations."""
    from .definitions import volumes_of  # loaded only for what goes with its volumes

    declared = {
        volume: subject.workload
        for subject, known in on.store.known().items()
        if known.live is not None and subject != want.subject
        for volume in volumes_of(on, subject, known.live)
    }
    found = []
    for name in on.engine.volumes.of(want.subject):
        users = [user for user, subject in on.engine.volumes.users(name).items() if subject != want.subject]
        found.append(Volume(name, tuple(dict.fromkeys([*users, *([declared[name]] if name in declared else [])]))))
    return tuple(found)
