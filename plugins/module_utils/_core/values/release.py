# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases, and the deployments that make them: what is on record of a workload."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .identity import Document


@dataclass(frozen=True)
class Release:
    """The result of a deployment (or, before it succeeded, its candidate)."""

    id: str
    image: str
    image_id: str
    fingerprint: str
    containers: tuple[str, ...]
    route: Document | None
    snapshot: Document
    state: str = "running"


@dataclass(frozen=True)
class Attempt:
    """A deployment that was begun and never concluded; a withdrawn one was gone back from, or canceled.

    One that is a part of a fleet's is left to that until `held_until`. One that was `stopping` may have asked the
    engine to stop what served: the engine goes on with that when nobody waits for it, and calls it running until then
    (a repair that resumed it had waited).
    One that is `proven` went on to hand the ports over, or to be live, which it does only once its gate is passed.
    """

    id: str
    candidate: Release | None
    status: str = "deploy"
    withdrawn: bool = False
    fleet: str = ""
    held_until: float = 0.0
    stopping: bool = False
    proven: bool = False


class Standing(t.NamedTuple):
    """What the store knows of one workload and environment."""

    live: Release | None = None
    previous: Release | None = None
    attempt: Attempt | None = None
    sequence: int | None = None
    since: float | None = None


class RecordedRelease(t.NamedTuple):
    """A release on record; `withdrawn` says why it was gone back from."""

    release: Release
    made_at: float
    withdrawn: str | None


def in_state(release: Release, state: str) -> Release:
    """The same release in another run state."""
    return replace(release, state=state)
