# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release a rollback goes to."""

from __future__ import annotations

import typing as t

from ..values.errors import InvalidOption
from ..values.release import RecordedRelease, Release, Standing
from .retention import retained


def rollback_target(kept: t.Sequence[RecordedRelease], known: Standing, wanted: str | None, name: str = "") -> Release:
    """The release that a rollback goes to.

    :param wanted: id, image reference, or tag or digest of a release; None is the last good one: the newest of another
        fingerprint or routing than the live one that was never gone back from.
    :param name: of the workload, for whoever reads the error.
    :raises InvalidOption: there is none; says which there are.
    """
    live = known.live
    if live is None:
        raise InvalidOption("name", name, "has no live release to go back from", "Deploy it first.")
    others = [release for release in retained(kept, known) if release.id != live.id]
    if not wanted:
        bad = [entry.release for entry in kept if entry.withdrawn is not None]
        good = [r for r in others if _differs(r, live) and not any(_was(r, worse) for worse in bad)]
        if good:
            return good[0]
        raise InvalidOption("to", None, "has no good earlier release to go to", _which(others))
    if wanted in (live.id, *_versions(live)):
        return live
    named = [release for release in others if wanted in (release.id, *_versions(release))]
    if not named:
        raise InvalidOption("to", wanted, "is no release that is kept", _which(others))
    return named[0]


def _differs(release: Release, live: Release) -> bool:
    return release.fingerprint != live.fingerprint or release.snapshot != live.snapshot


def _was(release: Release, withdrawn: Release) -> bool:
    """True for a release that was gone back from, itself or as a later twin that an earlier rollback had made."""
    return withdrawn.id >= release.id and not _differs(release, withdrawn)


def _versions(release: Release) -> tuple[str, ...]:
    """How a release's image may be named: whole, by tag, by digest."""
    name, _at, digest = release.image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tuple(text for text in (release.image, name, tag, digest) if text)


def _which(releases: t.Sequence[Release]) -> str:
    if not releases:
        return "None is kept; retain says how many are."
    return "Kept are " + ", ".join(f"{release.id} ({release.image})" for release in releases) + "."
