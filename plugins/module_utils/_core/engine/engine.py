# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One engine, by what it has: containers and commands in them, images, networks, volumes."""

from __future__ import annotations

import typing as t

from .client import Client, explain_errors
from .commands import Commands
from .containers import Containers
from .images import Images
from .networks import Networks
from .volumes import Volumes


class Engine:
    """One connection to the Docker Engine.

    :param docker_host: its address; the platform also reads the host's /proc, so it has to be this host.
    :param state_dir: which platform this is.
    :param first: another connection of this run, which knows what was asked or made by now.
    """

    def __init__(self, docker_host: str, state_dir: str, first: Engine | None = None) -> None:
        self.client: Client = first.client.another() if first else Client(docker_host, state_dir)
        self.containers: Containers = Containers(self.client, first.containers if first else None)
        self.commands = Commands(self.client)
        self.images: Images = Images(self.client, first.images if first else None)
        self.networks: Networks = Networks(self.client, first.networks if first else None)
        self.volumes = Volumes(self.client, self.containers, self.images)

    def another(self) -> Engine:
        """One more connection, for a thread; requests are counted together."""
        return Engine(self.client.docker_host, self.client.state_dir, self)

    @property
    def docker_host(self) -> str:
        """Its address."""
        return self.client.docker_host

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self.client.requests

    def facts(self) -> dict[str, t.Any]:
        """What the engine says of itself, as `docker info` does."""
        with explain_errors("ask for its facts", "the engine"):
            return t.cast("dict[str, t.Any]", self.client.api.info())

    def root_dir(self) -> str:
        """Where the engine keeps images and containers."""
        return str(self.facts()["DockerRootDir"])
