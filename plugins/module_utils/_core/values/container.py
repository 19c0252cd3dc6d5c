# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a declaration becomes a container: its secrets, mounts, ports and the rest of its specification."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from .identity import digest


def is_root(user: str) -> bool:
    """True for an image's or option's user that is uid 0."""
    name = user.partition(":")[0]
    return name in ("", "root") or (name.isdigit() and int(name) == 0)


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
