# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found on a host: containers, images, networks, volumes, and all of it for one workload."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .identity import Document
from .release import Attempt, Release
from .stack import Definition
from .traffic import Drain

UNREADABLE = "unreadable"
"""The one key of a document that stands for a route file which is not the platform's; it equals no other."""


@dataclass(frozen=True)
class Image:
    """An image in the engine; `user` is None where only a listing was looked at."""

    id: str
    user: str | None = ""
    has_healthcheck: bool = False
    digests: tuple[str, ...] = ()
    size: int = 0
    volumes: tuple[str, ...] = ()
    labels: Document = field(default_factory=dict)


@dataclass(frozen=True)
class Container:
    """An existing container of a workload, as the engine lists it."""

    name: str
    state: str
    health: str = ""
    deployment: str = ""
    fingerprint: str = ""
    networks: tuple[str, ...] | None = None
    record: str = ""
    altered: tuple[str, ...] = ()
    service: str = ""
    exit_code: int | None = None
    created: int = 0
    image_id: str = ""

    @property
    def serves(self) -> bool:
        """True when it runs and its own health check, if any, has not failed."""
        return self.state == "running" and self.health != "unhealthy"

    @property
    def goes_on(self) -> bool:
        """True unless it stands still for good: between two crashes, or paused, it has its ports and volumes, too."""
        return self.state in ("running", "restarting", "paused")


@dataclass(frozen=True)
class Volume:
    """A named volume of a workload, and who else uses it."""

    name: str
    users: tuple[str, ...] = ()


@dataclass(frozen=True)
class Actual:
    """What is found on the host for one workload and environment.

    :param left: files of its own are here; looked for where it is to be absent.
    :param unrecorded: containers of a Compose project that no deployment on record made; of services that its live
        release has, nobody looked.
    :param newest: id of a Compose project's newest deployment on record, where services are restarted with others.
    """

    containers: tuple[Container, ...] = ()
    live: Release | None = None
    previous: Release | None = None
    attempt: Attempt | None = None
    route: Document | None = None
    image: Image | None = None
    pull_needed: bool = False
    reference: str = ""
    definition: Definition | None = None
    live_definition: Definition | None = None
    claimed: tuple[tuple[str, str], ...] = ()
    volumes: tuple[Volume, ...] = ()
    sequence: int | None = None
    diverted: bool = False
    left: bool = False
    unrecorded: tuple[str, ...] = ()
    newest: str = ""

    @property
    def unfinished(self) -> bool:
        """Whether the newest deployment is not what is live: killed or failed, it may have left something half done."""
        return self.live is not None and self.newest not in ("", self.live.id)

    @property
    def routed(self) -> Document | None:
        """The routing to go back to: the live release's, else the file as it was found, if it can be read."""
        if self.live is not None:
            return self.live.route
        return None if self.route is None or UNREADABLE in self.route else self.route

    def named(self, names: t.Iterable[str]) -> tuple[Container, ...]:
        """The existing containers among these names."""
        wanted = set(names)
        return tuple(c for c in self.containers if c.name in wanted)

    def others(self, names: t.Iterable[str]) -> tuple[str, ...]:
        """Names of the workload's containers that are not among these."""
        kept = set(names)
        return tuple(c.name for c in self.containers if c.name not in kept)


@dataclass(frozen=True)
class Leaving:
    """How containers leave: where their requests are counted, and what they are given to end them.

    :param ports: of each container that requests come to, the ports.
    :param stop_timeout: seconds between stop signal and kill; None is what each container was made with.
    :param middlewares: what their requests pass on the way, where they may be held.
    """

    ports: tuple[tuple[str, tuple[int, ...]], ...] = ()
    limits: Drain = field(default_factory=Drain)
    stop_timeout: int | None = None
    middlewares: tuple[str, ...] = ()
