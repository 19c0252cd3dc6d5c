# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of releases by id and digest: fetched again where one is gone, tagged, and named for a backup.

An image's id is the digest of its configuration, so that it is the same on every host
(OCI image specification); a registry knows it by the digest of its manifest.
"""

from __future__ import annotations

import typing as t

from ..values.actual import Image
from ..values.errors import BackupFailure, EngineFailure
from ..values.release import Release
from .engine import Engine

Check = t.Callable[[], None]


class NeededImage(t.NamedTuple):
    """An image that releases need; `exact` is what registries have it as, none where none has it."""

    image_id: str
    reference: str
    exact: list[str]
    live: bool


def of_release(engine: Engine, release: Release, live: bool) -> list[NeededImage]:
    """The image of a release that is one image, while the engine has it."""
    image = engine.images.get(release.image_id)
    return [NeededImage(image.id, release.image, exact(release.image, image), live)] if image is not None else []


def merged(rows: t.Iterable[NeededImage]) -> list[NeededImage]:
    """Each image and name once; of those of one name that of a live release comes last, and so keeps the name."""
    found: dict[tuple[str, str], NeededImage] = {}
    for row in rows:
        before = found.get((row.image_id, row.reference), row)
        found[row.image_id, row.reference] = row._replace(live=row.live or before.live)
    return sorted(found.values(), key=lambda row: (row.reference, row.live))


def name_of(engine: Engine, row: NeededImage) -> str:
    """What to save an image as: its name, which then stays with it, while that is still the name of this image."""
    image = engine.images.get(row.reference)
    return row.reference if image is not None and image.id == row.image_id else row.image_id


def exact(reference: str, image: Image) -> list[str]:
    """By which references a registry has just this image."""
    return [f"{split(reference)[0]}@{digest}" for digest in image.digests]


def split(reference: str) -> tuple[str, str]:
    """Repository and tag of a reference; no tag is empty."""
    name = reference.partition("@")[0]
    host, slash, last = name.rpartition("/")
    repository, _colon, tag = last.partition(":")
    return f"{host}{slash}{repository}", tag


def missing(engine: Engine, rows: t.Iterable[NeededImage]) -> list[NeededImage]:
    """Those that this engine does not have."""
    return [row for row in rows if engine.images.get(row.image_id) is None]


def fetch(engine: Engine, rows: t.Iterable[NeededImage], check: Check) -> list[str]:
    """Pull images, with what `docker login` left on this host; what of releases that are not live could not be had.

    :raises BackupFailure: a live release's image could not be had.
    """
    failed = [(row, said) for row in rows for said in [bring(engine, row, check)] if said]
    lines = [f"{row.reference} could not be pulled: {said}" for row, said in failed]
    if any(row.live for row, _said in failed):
        remedy = "Log in to its registry on this host (docker login), or load the image, and restore again."
        raise BackupFailure("; ".join(lines), subject="the archive's images", remedy=remedy)
    return [f"{line}; its release cannot be gone back to" for line in lines]


def bring_back(engine: Engine, row: NeededImage, check: Check) -> None:
    """Have the very image again that a release was made of.

    :raises EngineFailure: it cannot be had any more.
    """
    said = bring(engine, row, check)
    if said:
        remedy = "Nothing was touched. Load the image, or deploy the declaration."
        raise EngineFailure(f"the image is not in the engine any more: {said}", subject=row.reference, remedy=remedy)


def bring(engine: Engine, row: NeededImage, check: Check) -> str:
    """Pull by digest, else by name; an empty text once the very image is there, else why it is not."""
    said = "no registry has it under its name"
    if engine.images.get(row.image_id, fresh=True) is not None:
        _tag(engine, row)
        return ""
    for reference in (*row.exact, row.reference):
        try:
            engine.images.pull(reference, None, check)
        except EngineFailure as error:
            said = error.cause
            continue
        image = engine.images.get(reference, fresh=True)
        if image is not None and image.id == row.image_id:
            _tag(engine, row)
            return ""
        said = "its registry has another image under this name now"
    return said


def _tag(engine: Engine, row: NeededImage) -> None:
    repository, tag = split(row.reference)
    if tag:
        engine.images.tag(row.image_id, repository, tag)
