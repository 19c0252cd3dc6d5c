# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a stack's services: what is missing is fetched, what moved is noticed."""

from __future__ import annotations

import typing as t

from ..engine import release_images
from ..engine.release_images import NeededImage
from ..host.places import Places
from ..sources.compose import Compose
from ..sources.kept_definitions import Pinned
from ..values.errors import EngineFailure
from ..values.identity import Subject, key_of
from ..values.release import Release
from ..values.stack import Definition
from .definitions import kept
from .run import Platform, Run


def lacks(run: Run, name: str, row: Pinned | None) -> bool:
    """True while the engine has not what a service is to run: by its id where that is known, and by its name."""
    engine = run.on.engine
    return engine.images.get(name, fresh=True) is None or (
        row is not None and engine.images.get(row.image_id, fresh=True) is None
    )


def fetch(run: Run, compose: Compose, identity: str, missing: t.Mapping[str, Pinned | None]) -> None:
    """Have these images: the very ones that they were; a declaration, unlike a release, also takes what they are now.

    :raises EngineFailure: a release's image cannot be had any more.
    """
    for name, row in missing.items():
        if row is None:
            continue
        # A name that means another image now stays that image's: others may be declared by it.
        taken = run.on.engine.images.get(name, fresh=True) is not None
        wanted = NeededImage(row.image_id, (*row.exact, row.image_id)[0] if taken else name, list(row.exact), True)
        if run.want.artifact:
            release_images.bring_back(run.on.engine, wanted, run.check)
        else:
            release_images.bring(run.on.engine, wanted, run.check)
    if any(run.on.engine.images.get(name, fresh=True) is None for name in missing):
        compose.pull(identity)


def images(on: Platform, subject: Subject, release: Release, live: bool) -> list[NeededImage]:
    """The images of a stack's release, by what they were when it was deployed; none of other releases."""
    definition = kept(on, subject, release)
    if definition is None:
        return []
    place = Places(on.state_dir).stack(key_of(*subject))
    pinned = Compose(place, on.engine.docker_host, on.clock, lambda _line: None).images(release.image_id)
    for name in {service.image for service in definition.services} - pinned.keys():
        image = on.engine.images.get(name)
        if image is not None:
            pinned[name] = Pinned(image.id, tuple(release_images.exact(name, image)))
    rows = [NeededImage(row.image_id, name, list(row.exact), live) for name, row in sorted(pinned.items())]
    return [row for row in rows if row.exact or on.engine.images.get(row.image_id) is not None]


def moved(run: Run, wanted: Definition, only: str) -> dict[str, str]:
    """Services whose image's name means another one than they are pinned to, with the id of theirs.

    :raises EngineFailure: an image is gone; what its name means now would be another release.
    """
    found: dict[str, str] = {}
    for service in wanted.services:
        if only not in ("", service.name):
            continue
        image = run.on.engine.images.get(service.image, fresh=True)
        if service.image_id and (image is None or image.id != service.image_id):
            if run.on.engine.images.get(service.image_id, fresh=True) is None:
                cause, remedy = "the image that the release was made of is gone", "Load it, or deploy a declaration."
                raise EngineFailure(cause, subject=service.image, remedy=remedy)
            found[service.name] = service.image_id
    return found
