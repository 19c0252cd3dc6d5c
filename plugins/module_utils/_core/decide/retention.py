# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases are kept."""

from __future__ import annotations

import typing as t

from ..options.snapshot import terms
from ..values.release import RecordedRelease, Release, Standing


def retained(kept: t.Sequence[RecordedRelease], known: Standing | None) -> list[Release]:
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
