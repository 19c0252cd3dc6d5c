# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of `workload_prune`: what nothing needs any more goes, by own labels and own records only."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ..decide.retention import retained
from ..deploy import stack_images
from ..deploy.definitions import kept
from ..deploy.observe import survey
from ..deploy.unrecorded import unrecorded
from ..host import locks
from ..options.checks import positive
from ..values.actual import Container, Image
from ..values.errors import LockHeld, RecordDamaged, StoreFailure
from ..values.identity import Subject, key_of, suffix_of
from ..values.release import Release, Standing
from .call import Call, Result

SECONDS_A_DAY = 86400.0


@dataclass
class Pruning:
    """What was, or in check mode would be, removed."""

    containers: list[str] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    deployments: int = 0
    busy: list[str] = field(default_factory=list)
    unwritten: bool = False

    @contextlib.contextmanager
    def recording(self) -> t.Iterator[None]:
        """Write something that can be written later as well: a disk that is full has no room yet for what frees it."""
        try:
            yield
        except RecordDamaged:
            raise
        except StoreFailure:
            self.unwritten = True


def prune(call: Call) -> Result:
    """Containers, releases, secrets, images and records that no live or retained release needs."""
    positive("keep_deployments", call.params["keep_deployments"])
    positive("keep_days", call.params["keep_days"], strict=False)
    seen, done = survey(call.on), Pruning()
    secret = {Subject(*key.split(".")) for key in call.secrets.workloads()}
    subjects = sorted({*seen.known, *seen.containers, *secret})
    for subject in subjects:
        _subject(call, subject, done)
    before = call.on.engine.images.layers_size()
    size = _images(call, done) if call.params["images"] else 0
    for subject in subjects if done.unwritten else ():  # there may be room now; else the records' deletion says so
        _subject(call, subject, Pruning())
    moment = call.clock.now() - call.params["keep_days"] * SECONDS_A_DAY
    old = call.on.store.old_deployments(moment, call.params["keep_deployments"], done.releases)
    done.deployments = len(old)
    if not call.check:
        call.on.store.drop_deployments(old, moment)
        size = before - call.on.engine.images.layers_size()
    removed = {name: getattr(done, name) for name in ("containers", "releases", "secrets", "images", "deployments")}
    return {"changed": any(removed.values()), "removed": removed, "bytes": max(size, 0), "busy": done.busy}


def _subject(call: Call, subject: Subject, done: Pruning) -> None:
    """One workload, under its lock: another run's candidate never looks like a leftover."""
    try:
        with locks.held(call.on.state_dir, subject, 0.0, call.clock):
            known = call.on.store.known(subject).get(subject, Standing())
            if known.attempt is None:
                _leftovers(call, subject, known, done)
                return
    except LockHeld:
        pass
    done.busy.append(key_of(*subject))


def _leftovers(call: Call, subject: Subject, known: Standing, done: Pruning) -> None:
    engine, store, key = call.on.engine, call.on.store, key_of(*subject)
    releases_kept = store.releases(subject)
    keep = retained(releases_kept, known)
    found = engine.containers.by_subject(subject).get(subject, ())
    own = _own(call, subject, known.live, found)
    routed = str(call.on.traefik.read(key) or "")
    # Without a record, whatever is there may be needed: who deploys or removes the workload knows what it is.
    spared = unrecorded(call.on, subject, [c for c in found if c.name not in own])
    spare = [c for c in found if c.name not in own and c.name not in routed and c not in spared]
    releases = sorted({entry.release.id for entry in releases_kept} - {release.id for release in keep})
    done.containers += [c.name for c in spare]
    done.releases += releases
    remembered = known.live is None and len(spare) == len(found) and bool(store.newest(subject))
    unneeded = remembered and key in call.secrets.workloads()
    done.secrets += [key] if unneeded else []
    if call.check:
        return
    for container in spare:
        engine.containers.remove(container.name)
    with done.recording():
        store.drop_releases(releases)
    if known.live or unneeded:
        names = [*(name for release in keep for name in release.containers), *(c.name for c in spared)]
        call.on.secrets.prune(key, {suffix_of(name) for name in names})


def _own(call: Call, subject: Subject, live: Release | None, found: t.Iterable[Container]) -> set[str]:
    """Containers of the live release, of a Compose project by its services: an undo makes others than are on record.

    More of them than a service shall have are for the next deployment to take away, which knows what serves.
    """
    definition = kept(call.on, subject, live)
    services = {service.name for service in definition.services} if definition else set()
    return {*(live.containers if live else ()), *(c.name for c in found if c.service in services)}


def _of_stacks(call: Call, subject: Subject, keep: t.Iterable[Release]) -> set[str]:
    """Images of the services of these releases, where they are Compose projects."""
    rows = [row for release in keep for row in stack_images.images(call.on, subject, release, False)]
    named = {image.id for image in map(call.on.engine.images.get, {row.reference for row in rows}) if image}
    return named | {row.image_id for row in rows}


def _images(call: Call, done: Pruning) -> int:
    """Images that were pulled by the platform, that no kept release and no container of anybody needs; their bytes.

    A deployment under way may be about to need one that looks unused, so that they are judged while there is none.
    """
    try:
        with locks.images(call.on.state_dir, 0.0, call.clock, alone=True):
            known = call.on.store.known()
            open_ones = [key_of(*subject) for subject, one in known.items() if one.attempt is not None]
            done.busy += sorted(set(open_ones) - set(done.busy))
            return 0 if done.busy else _unneeded_images(call, done, _needed(call, known))
    except LockHeld:
        done.busy.append("images")
        return 0


def _needed(call: Call, known: t.Mapping[Subject, Standing]) -> set[str]:
    """Ids of the images of every release that is kept as of now."""
    needed: set[str] = set()
    for subject, one in known.items():
        keep = retained(call.on.store.releases(subject), one)
        needed |= {release.image_id for release in keep} | _of_stacks(call, subject, keep)
    return needed


def _unneeded_images(call: Call, done: Pruning, needed: t.Container[str]) -> int:
    engine, store, size = call.on.engine, call.on.store, 0
    for image_id, reference in store.pulled():
        image = engine.images.get(image_id)
        if image_id in needed or image is None or engine.images.in_use(image_id):
            continue
        size += image.size
        done.images.append(reference)
        if not call.check and engine.images.remove(_name_of(engine.images.get(reference), image, reference)):
            with done.recording():
                store.forget_pull(image_id)
    return size


def _name_of(named: Image | None, image: Image, reference: str) -> str:
    """The reference while it still names this image; else its id, because the name is another image's by now."""
    return reference if named is not None and named.id == image.id else image.id
