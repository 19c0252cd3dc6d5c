# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frozen values of a declaration: a workload and all its parts.

`None` means "not managed". Durations are seconds, sizes bytes.
"""

from __future__ import annotations

import enum
import hashlib
import json
import typing as t
from dataclasses import asdict, dataclass, field

from .recipe import Recipe

if t.TYPE_CHECKING:
    from ..sources.compose_model import Stack


Document = t.Mapping[str, t.Any]


class Subject(t.NamedTuple):
    """What has at most one live release: a workload in an environment."""

    workload: str
    environment: str


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
class Secret:
    """A secret value on its way to a container; `version` is its keyed hash, the only part that is ever recorded."""

    name: str
    value: str = field(repr=False)
    delivery: str
    version: str = ""


@dataclass(frozen=True)
class Mount:
    """A bind mount (absolute source) or a named volume; `shared` says that two containers may write it at once."""

    source: str
    target: str
    read_only: bool = False
    shared: bool = False
    one_writer: bool = False
    """Of two containers that are there at once, as in a handover, the one that is to stay may write it."""


@dataclass(frozen=True)
class Port:
    """A container port published on the host."""

    container: int
    host: int
    address: str
    protocol: str


@dataclass(frozen=True)
class ContainerSpec:
    """Everything that makes one container differ from another; a change of any field is a new release."""

    image: str
    replicas: int = 1
    port: int | None = None
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str, str], ...] = ()
    user: str | None = None
    working_dir: str | None = None
    mounts: tuple[Mount, ...] = ()
    tmpfs: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()
    ports: tuple[Port, ...] = ()
    memory: int | None = None
    cpus: float | None = None
    pids: int | None = None
    read_only: bool = False
    init: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    no_new_privileges: bool = True
    allow_root: bool = False
    restart_policy: str = "unless-stopped"
    labels: tuple[tuple[str, str], ...] = ()
    log_driver: str | None = None
    log_options: tuple[tuple[str, str], ...] = ()
    stop_timeout: int = 10
    stop_signal: str | None = None

    def fingerprint(self, image_id: str) -> str:
        """SHA-256 over the artifact and this specification; secrets take part by their keyed hash only."""
        document = asdict(self)
        document["image"] = image_id  # two tags of one artifact are the same release
        # What earlier versions did not know counts only where it says something: their releases stay what they are.
        if not self.addresses:
            del document["addresses"]
        for mount in document["mounts"]:
            if not mount["one_writer"]:
                del mount["one_writer"]
        return digest(document)


@dataclass(frozen=True)
class Route:
    """One routing rule of a workload."""

    hosts: tuple[str, ...]
    path_prefix: str = "/"
    strip_prefix: bool = False
    priority: int | None = None
    entry_points: tuple[str, ...] = ()
    tls: bool = False
    resolver: str | None = None
    redirect_to: str | None = None
    middlewares: tuple[str, ...] = ()

    def claims(self) -> tuple[str, ...]:
        """What no other workload on the host may also route."""
        return tuple(f"{host}{self.path_prefix} on {entry}" for host in self.hosts for entry in self.entry_points)


@dataclass(frozen=True)
class Gate:
    """What a candidate has to show before traffic may go to it; `routed` is the port that routes send it to."""

    kind: str
    path: str = "/"
    port: int | None = None
    codes: tuple[tuple[int, int], ...] = ((200, 399),)
    host: str | None = None
    command: tuple[str, ...] = ()
    timeout: float = 2.0
    deadline: float = 60.0
    successes: int = 1
    window: float = 3.0
    routed: int | None = None


@dataclass(frozen=True)
class Drain:
    """Seconds that open connections of the old release are given; see the option's documentation."""

    timeout: float = 30.0
    upgraded_timeout: float = 30.0


@dataclass(frozen=True)
class Bake:
    """Seconds for which the old release is kept after the switch, and what sends traffic back to it meanwhile.

    `error_ratio` is the share of answers with status 5xx by Traefik's metrics, judged from `requests` answers on.
    """

    seconds: float
    error_ratio: float | None = None
    requests: int = 20


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
    gate: Gate = Gate("window")
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


def canonical(document: t.Any) -> str:
    """The one JSON text of a document: sorted keys, no blanks."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def digest(document: t.Any) -> str:
    """SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()
