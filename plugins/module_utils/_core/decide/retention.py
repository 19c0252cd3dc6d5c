# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases are kept, and which of them a rollback goes to. Pure."""

from __future__ import annotations

import typing as t

from ..options.snapshot import terms
from ..values.errors import InvalidOption
from ..values.release import Kept, Known, Release


def retained(kept: t.Sequence[Kept], known: Known | None) -> list[Release]:
    """The live release and those before it that can be gone back to, newest first.

    Good ones are kept as many as the live declaration's `retain` says; as many of those that were gone back from, so
    that bad releases never push a good one out. What served last is kept whatever `retain` says: it may serve still,
    and it is what a failing release is gone back to. Newer is what was deployed later, by the deployments' own order,
    whatever the clock said.
    """
    live = known.live if known else None
    if live is None:
        return []
    count = terms(live).retain
    others = sorted(
        (entry for entry in kept if entry.release.id != live.id), key=lambda entry: entry.release.id, reverse=True
    )
    good = [entry.release for entry in others if entry.withdrawn is None][:count]
    bad = [entry.release for entry in others if entry.withdrawn is not None][:count]
    last = known.previous if known else None
    served = [last] if last is not None and last.id not in {live.id, *(release.id for release in (*good, *bad))} else []
    return [live, *sorted((*good, *bad, *served), key=lambda release: release.id, reverse=True)]


def target(kept: t.Sequence[Kept], known: Known, wanted: str | None, name: str = "") -> Release:
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
