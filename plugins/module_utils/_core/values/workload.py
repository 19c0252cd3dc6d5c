# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frozen value of a whole declaration: state, strategy, registry, and the parts of the other files.

`None` means "not managed". Durations are seconds, sizes bytes.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field

from .container import ContainerSpec, Secret
from .identity import Document, Subject
from .recipe import Recipe
from .traffic import WINDOW, Bake, Drain, Gate, Route

if t.TYPE_CHECKING:
    from .stack import Stack


DOCKER_HUB = "docker.io"  # the registry of references that name none
TRAEFIK = Subject("traefik", "platform")


class State(str, enum.Enum):
    """What is asked of a workload."""

    PRESENT = "present"
    STOPPED = "stopped"
    ABSENT = "absent"


class Strategy(str, enum.Enum):
    """How a release replaces the live one."""

    BLUE_GREEN = "blue-green"
    RECREATE = "recreate"
    ROLLING = "rolling"
    HANDOVER = "handover"


@dataclass(frozen=True)
class Registry:
    """Credentials for one registry, and for no other.

    :param host: with its port, as references name it; the engine's own is `docker.io`.
    """

    host: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Workload:
    """A declared application; `drain` and `stop_timeout` are None where nothing is declared."""

    name: str
    environment: str
    state: State
    strategy: Strategy
    container: ContainerSpec
    snapshot: Document
    secrets: tuple[Secret, ...] = ()
    routes: tuple[Route, ...] = ()
    gate: Gate = WINDOW
    drain: Drain | None = None
    stop_timeout: int | None = None
    pull: str = "missing"
    registry: Registry | None = None
    release_command: tuple[str, ...] = ()
    release_command_timeout: float = 300.0
    force: bool = False
    bake: Bake | None = None
    sequence: int | None = None
    artifact: str = ""
    remove_volumes: bool = False
    recipe: Recipe | None = None
    keep_assets: float = 0.0
    keeps_image_volumes: bool = True
    stack: Stack | None = None

    @property
    def reference(self) -> str:
        """What names its image in the engine: the artifact of a release that exists, else what is declared."""
        return self.artifact or self.container.image

    @property
    def subject(self) -> Subject:
        """Workload and environment."""
        return Subject(self.name, self.environment)

    @property
    def claims(self) -> tuple[str, ...]:
        """What no other workload may have: hosts and paths of its routes, its Compose project."""
        project = (f"project {self.container.image}",) if self.stack else ()
        return (*project, *(claim for route in self.routes for claim in route.claims()))


def registry_of(reference: str) -> str:
    """The registry that a reference leads to, as the engine reads it (distribution/reference)."""
    first, slash, _rest = reference.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        return DOCKER_HUB
    return DOCKER_HUB if first.lower() == f"index.{DOCKER_HUB}" else first.lower()


def nothing(subject: Subject, state: State = State.ABSENT) -> Workload:
    """A declaration that makes no release."""
    return Workload(*subject, state, Strategy.BLUE_GREEN, ContainerSpec(image=""), {})
