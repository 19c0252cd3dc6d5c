# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration as it is kept on record: without what is not a part of a release, and without secrets.

Also its one reader: nobody else knows a key of it, or what counts where an earlier version did not write one.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from functools import cached_property

from ..values.container import Port, Secret
from ..values.identity import Document, key_of
from ..values.release import Release
from ..values.stack import Exposed, Stack
from ..values.traffic import Drain, Gate, Route
from ..values.workload import Strategy, Workload
from . import compose, traffic
from .argument_specs import KIND, SOURCES
from .checks import Params

# Not part of a release: what is a matter of one run, and what never may be recorded.
_NOT_IN_SNAPSHOT = {
    "sequence",
    "remove_volumes",
    "registry",
    "registry_username",
    "registry_password",
    "force",
}
_SECRET_IN_SOURCE = ("token", "deploy_key", "archive")
DEFAULT_RETAIN = 5


def without_secrets(kept: dict[str, t.Any], stack: Stack) -> dict[str, t.Any]:
    """A record with the keyed hashes of a stack's secrets instead of their values."""
    told = [{"name": secret.name, "version": secret.version} for secret in stack.secrets]
    return {**kept, "compose": {**kept["compose"], "secrets": told}}


def snapshot(params: Params, secrets: tuple[Secret, ...]) -> dict[str, t.Any]:
    """The complete declaration as it is recorded with a deployment: secrets by name and version only."""
    own = {*SOURCES[params["type"]], *KIND} - _NOT_IN_SNAPSHOT
    kept = {k: v for k, v in params.items() if k in own}
    kept["secrets"] = [{"name": s.name, "delivery": s.delivery, "version": s.version} for s in secrets]
    if kept.get("source"):
        kept["source"] = {k: v for k, v in kept["source"].items() if k not in _SECRET_IN_SOURCE}
    if (kept.get("build") or {}).get("secrets"):
        names = [{"name": s["name"], "value": ""} for s in kept["build"]["secrets"]]
        kept["build"] = {**kept["build"], "secrets": names}
    return kept


def keeps_image_volumes(params: Params) -> bool:
    """Whether what is written where only the image declares a volume is data. What serves a site has none.

    Of what is not on record nobody knows: then it is.
    """
    usual = "discard" if params.get("type") == "static" else "keep"
    return (params.get("image_volumes") or usual) == "keep"


@dataclass(frozen=True)
class Terms:
    """What a declaration on record says. Each answer is worked out when it is asked for, so that few keys cost little.

    What has checks is read with them: what this version does not take any more raises `InvalidOption` there.
    """

    declaration: Document

    @property
    def key(self) -> str:
        """The workload's key: what its files and its parts of a routing document are called by."""
        return key_of(self.declaration["name"], self.declaration["environment"])

    @property
    def source(self) -> str:
        """What it is made of: an option `type`."""
        return str(self.declaration.get("type", "image"))

    @property
    def is_stack(self) -> bool:
        """Whether it is a Compose project."""
        return bool(self.declaration.get("compose"))

    @property
    def strategy(self) -> Strategy | None:
        """How it replaces the one before, where that is on record."""
        given = self.declaration.get("strategy")
        return next((strategy for strategy in Strategy if strategy.value == given), None)

    @property
    def port(self) -> int | None:
        """Where its containers take requests."""
        port: int | None = self.declaration.get("port")
        return port

    def port_of(self, service: str) -> int | None:
        """Where the containers of a service do, if it is a stack; else all of them."""
        if not self.is_stack:
            return self.port
        rows = self.declaration["compose"].get("services") or ()
        return next((row["port"] for row in rows if row["name"] == service), None)

    @property
    def ports(self) -> tuple[Port, ...]:
        """What it publishes on the host."""
        rows = self.declaration.get("ports") or ()
        return tuple(Port(int(r["container"]), int(r["host"]), r["address"], r["protocol"]) for r in rows)

    @property
    def networks(self) -> frozenset[str]:
        """The networks that its containers are in."""
        return frozenset(self.declaration.get("networks", ()))

    @property
    def volumes(self) -> tuple[Document, ...]:
        """Its mounts as they were declared."""
        return tuple(self.declaration.get("volumes") or ())

    @property
    def named_volumes(self) -> dict[str, str]:
        """The volumes that it mounts by name, and where."""
        return {row["source"]: row["target"] for row in self.volumes if not row["source"].startswith("/")}

    @property
    def unsafe(self) -> bool:
        """Whether it says itself that it may break walls."""
        return bool(self.declaration.get("unsafe"))

    @property
    def reaches_host(self) -> bool:
        """Whether it may break walls, or has the engine's socket."""
        return self.unsafe or any(volume.get("engine") for volume in self.volumes)

    @property
    def labels(self) -> Document:
        """The labels that it gives its containers."""
        labels: Document = self.declaration.get("labels") or {}
        return labels

    @property
    def secrets(self) -> tuple[Document, ...]:
        """Its secrets by name, delivery and version."""
        return tuple(self.declaration["secrets"])

    @property
    def retain(self) -> int:
        """How many releases before it are kept."""
        return int(self.declaration.get("retain", DEFAULT_RETAIN))

    @property
    def stop_timeout(self) -> int | None:
        """Seconds between the stop signal and the kill, where they are on record."""
        given = self.declaration.get("stop_timeout")
        return None if given is None else int(given)

    @property
    def release_command_once(self) -> bool:
        """Whether its release command is run on one host for all."""
        return bool(self.declaration.get("release_command_once"))

    @property
    def keeps_image_volumes(self) -> bool:
        """Whether volumes that only its image declares hold data."""
        return keeps_image_volumes(self.declaration)

    @cached_property
    def gate(self) -> Gate:
        """What its containers have to show; services of a stack have gates of their own, in `exposed`."""
        return traffic.gate(self.declaration)

    @cached_property
    def drain(self) -> Drain:
        """How long requests to it are given to end."""
        return traffic.drain(self.declaration)

    @cached_property
    def exposed(self) -> tuple[Exposed, ...]:
        """The routed services of a stack; none of anything else."""
        return compose.exposed_services(self.declaration["compose"]) if self.is_stack else ()

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """All its routes; of a stack, those of its services."""
        if self.is_stack:
            return tuple(route for exposed in self.exposed for route in exposed.routes)
        return traffic.routes(self.declaration)


def terms(of: Release | Workload) -> Terms:
    """What the declaration says that a release was made by, or that is about to be recorded."""
    return Terms(of.snapshot)


def with_strategy(release: Release, strategy: Strategy) -> Release:
    """The same release, with another way on record by which it replaces the one before."""
    return replace(release, snapshot={**release.snapshot, "strategy": strategy.value})
