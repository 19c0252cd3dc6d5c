# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Compose project: what is declared of it, and what Compose says that it is."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from .container import Secret
from .identity import Document, digest
from .recipe import Source
from .traffic import Gate, Route


@dataclass(frozen=True)
class Exposed:
    """A service that is routed, where it listens, and what it has to show first."""

    service: str
    port: int
    routes: tuple[Route, ...]
    gate: Gate


@dataclass(frozen=True)
class Stack:
    """What is declared: a Compose file, the variables that it is read with, and the services that are routed."""

    project: str
    source: Source | None
    inline: str
    file: str
    env: tuple[tuple[str, str], ...]
    exposed: tuple[Exposed, ...]
    network: str
    secrets: tuple[Secret, ...] = ()
    unsafe: bool = False

    def identity(self, tree: str, owner: t.Mapping[str, str]) -> str:
        """What decides everything that Compose makes of it.

        :param tree: identity of the source's content.
        :param owner: labels of whose it is.
        """
        routed = sorted(exposed.service for exposed in self.exposed)
        secrets = sorted((secret.name, secret.version) for secret in self.secrets)
        declared: list[t.Any] = [self.project, self.inline, self.file, self.env, secrets, routed, self.network]
        if self.source and self.unsafe:  # it may have been read with files that no other declaration may
            declared.append("unsafe")
        return digest([tree, *declared, dict(owner)])

    @property
    def env_files(self) -> tuple[str, ...]:
        """Files of the host that an inline definition has variables of its services from."""
        services = (json.loads(self.inline).get("services") if self.inline else None) or {}
        rows = [(facts or {}).get("env_file") or () for facts in services.values() if isinstance(facts or {}, dict)]
        entries = [entry for row in rows for entry in ([row] if isinstance(row, (str, dict)) else row)]
        paths = [str(entry.get("path") if isinstance(entry, dict) else entry) for entry in entries]
        return tuple(sorted({path for path in paths if path.startswith("/")}))

    @property
    def variables(self) -> dict[str, str]:
        """What the file is read with."""
        return {**dict(self.env), **{secret.name: secret.value for secret in self.secrets}}


@dataclass(frozen=True)
class Service:
    """One service; `in_place` ones cannot run beside themselves, those that `completes` end by themselves.

    `image_id` is what the image's name meant when the definition was first carried out; empty while it was not.
    """

    name: str
    fingerprint: str
    image: str
    replicas: int = 1
    in_place: bool = False
    completes: bool = False
    after: tuple[str, ...] = ()
    image_id: str = ""


@dataclass(frozen=True)
class Definition:
    """What Compose made of a stack: its identity, the file that Compose is run with, and its services.

    `variables` are those whose values Compose wants as content of configs and secrets when it runs; `outside` are the
    files beyond the source whose content is kept with it.
    """

    identity: str
    model: Document
    services: tuple[Service, ...]
    variables: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    outside: tuple[str, ...] = ()

    def service(self, name: str) -> Service | None:
        """A service by name."""
        return next((service for service in self.services if service.name == name), None)

    def restarted_with(self, names: t.Iterable[str]) -> set[str]:
        """These services, and those that say that they are to be restarted with one of them."""
        found, more = set[str](), set(names)
        while more:
            found |= more
            more = {name for name in self.model["services"] if found & self.restarted_after(name)} - found
        return found

    def restarted_after(self, name: str) -> set[str]:
        """The services with which one says that it is to be restarted."""
        rows = (self.model["services"][name].get("depends_on") or {}).items()
        return {other for other, how in rows if how.get("restart")}
