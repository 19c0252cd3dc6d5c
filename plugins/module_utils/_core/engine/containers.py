# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers: what there is, what they wrote, and making, starting, stopping and removing them."""

from __future__ import annotations

import contextlib
import functools
import io
import math
import os
import re
import tarfile
import threading
import typing as t

from ..host import process, watcher
from ..values.actual import Container
from ..values.container import ContainerSpec
from ..values.errors import EngineFailure
from ..values.identity import Subject
from . import listing
from .arguments import ContainerExtra, address_options, container_options, host_options
from .client import TAIL_BYTES, Client, explain_errors, is_absent, write_whole
from .listing import Facts, Mounted, Publisher

# Starting a container is work for processors, 0.26 s of one with a small application's own start. Many at once end late
# together and cost a tenth more; a few more than there are processors keep all of them busy.
STARTS_AT_ONCE = 1 + 2 * (os.cpu_count() or 1)
USUAL_STOP_TIMEOUT = 10  # seconds, where neither a declaration nor the container has another
TAIL_LINES = 30
FLAPS = 3  # of a container that crashes between a refusal and the look whether it runs
LINKS = 8  # of a file in an image, one behind the other


class Containers:
    """The engine's containers.

    :param first: those of another connection of this run: who publishes a port is asked once, and starts take turns.
    """

    def __init__(self, client: Client, first: Containers | None = None) -> None:
        self._client, self._api = client, client.api
        self._publishers: dict[int, Publisher | None] = first._publishers if first else {}
        self._starts: threading.Semaphore = first._starts if first else threading.Semaphore(STARTS_AT_ONCE)

    def by_subject(self, subject: Subject | None = None) -> dict[Subject, tuple[Container, ...]]:
        """Every container of the platform, or of one workload: one request, however many there are.

        Where one does not run, the networks are asked for, too: it cannot be started without.
        """
        filters = {"label": listing.whose(subject)}
        with explain_errors("list containers", subject.workload if subject else self._client.state_dir):
            rows = self._client.mine(self._api.containers(all=True, filters=filters))
            stopped = any(row["State"] != "running" for row in rows)
            networks = {row["Id"] for row in self._api.networks()} if stopped else None
        found: dict[Subject, tuple[Container, ...]] = {}
        for row in sorted(rows, key=lambda row: str(row["Names"][0])):
            key = listing.subject_of(row)
            found[key] = (*found.get(key, ()), listing.container_of(row, networks))
        return found

    def inspect(self, name: str) -> Facts | None:
        """State of one container, or None; a name that only matches as an id prefix does not count."""
        row = self._client.ask("inspect", name, lambda: self._api.inspect_container(name))
        return listing.facts_of(row) if row and row["Name"].lstrip("/") == name else None

    def project_owners(self, project: str) -> set[Subject]:
        """Whose the containers of a Compose project are; an empty name and environment for anybody else's."""
        with explain_errors("look for the project", project):
            rows = self._api.containers(all=True, filters={"label": [f"com.docker.compose.project={project}"]})
        mine = self._client.mine(rows)
        return {listing.subject_of(row) for row in mine} | ({Subject("", "")} if len(mine) < len(rows) else set())

    def strangers(self, names: t.Collection[str], subject: Subject) -> list[str]:
        """Those of these names that containers have which are not the workload's."""
        if not names:
            return []
        with explain_errors("look whose the names are", ", ".join(names)):
            rows = self._api.containers(all=True, filters={"name": [f"^/{re.escape(name)}$" for name in names]})
        mine = {row["Id"] for row in self._client.mine(rows) if listing.subject_of(row) == subject}
        return sorted(row["Names"][0].lstrip("/") for row in rows if row["Id"] not in mine)

    def publisher(self, port: int) -> Publisher | None:
        """The container that a port of this host leads to; None where none publishes it."""
        if port not in self._publishers:
            with explain_errors("look who publishes port", str(port)):
                rows = self._api.containers(filters={"publish": str(port)})
            self._publishers[port] = listing.publisher_of(rows[0]) if rows else None
        return self._publishers[port]

    def mounts(self, name: str) -> list[Mounted]:
        """The volumes of a container."""
        row = self._client.ask("inspect", name, lambda: self._api.inspect_container(name))
        return listing.mounts_of(row) if row else []

    def unnamed_volumes(self, name: str) -> dict[str, str]:
        """Volumes of a container that have no name but an id, by where they are mounted."""
        return {mount.target: mount.volume for mount in self.mounts(name) if mount.unnamed}

    def tail(self, name: str) -> str:
        """The last lines that a container wrote, or why they cannot be read: they go with a cause, and are none.

        Not every log driver can be read, and an engine that ails has other causes to tell.
        """
        try:
            with explain_errors("read the log of", name):
                text: bytes = self._api.logs(name, tail=TAIL_LINES, stdout=True, stderr=True)
        except EngineFailure as error:
            return "" if is_absent(error) else f"(not to be had: {error.cause})"
        return text[-TAIL_BYTES:].decode("utf-8", "replace").strip()

    def logs(self, name: str, since: float, until: float) -> list[tuple[str, str]]:
        """Lines that a container wrote, oldest first, each after its moment and a blank, and the stream it wrote to.

        The moments have nine digits behind the second, so that their texts sort; the bounds are met to the second.
        """
        found: list[tuple[str, str]] = []
        span = {"since": math.floor(since), "until": math.ceil(until)}
        for stream in ("stdout", "stderr"):
            with explain_errors("read the log of", name):
                only = {"stdout": stream == "stdout", "stderr": stream == "stderr"}
                text: bytes = self._api.logs(name, timestamps=True, **only, **span)
            found += [(line, stream) for line in text.decode("utf-8", "replace").split("\n") if line]
        return sorted(found, key=lambda row: row[0].partition(" ")[0])

    def get_archive(self, name: str, path: str, into: t.IO[bytes]) -> bool:
        """Write a path of a container as a tar archive; False where there is none.

        :param into: is read again, and then stands at its beginning.
        """
        found = self._client.ask("read the files of", name, lambda: self._api.get_archive(name, path))
        if found is not None:
            write_whole(f"read the files of {path} in", name, found[0], into)
        into.seek(0)
        return found is not None

    def passwd(self, name: str) -> str:
        """The container's /etc/passwd, empty where it has none; works before it is started."""
        path = "/etc/passwd"
        for _link in range(LINKS):
            found = io.BytesIO()
            if not self.get_archive(name, path, found):
                return ""
            with tarfile.open(fileobj=found) as tar:
                entry = tar.getmembers()[0]
                if not entry.issym():
                    content = tar.extractfile(entry) if entry.isreg() else None
                    return content.read().decode("utf-8", "replace") if content else ""
                path = os.path.normpath(os.path.join(os.path.dirname(path), entry.linkname))
        return ""

    def create(self, name: str, image_id: str, spec: ContainerSpec, extra: ContainerExtra) -> None:
        """Create a container complete with all its networks, not started.

        :raises EngineFailure: the name is taken, too (DP-T18): nothing is ever replaced by name.
        """
        networking = None
        known = spec.networks if extra.known_in is None else extra.known_in
        aliases = {network: list(spec.aliases) or None if network in known else None for network in spec.networks}
        if spec.networks:
            first = spec.networks[0]
            endpoint = self._api.create_endpoint_config(aliases=aliases[first], **address_options(spec, first))
            networking = self._api.create_networking_config({spec.networks[0]: endpoint})
        with explain_errors("create the container", name):
            self._api.create_container(
                image_id,
                name=name,
                hostname=name,
                host_config=self._api.create_host_config(**host_options(spec, extra)),
                networking_config=networking,
                **container_options(spec, extra),
            )
            for network in spec.networks[1:]:
                more = address_options(spec, network)
                self._api.connect_container_to_network(name, network, aliases=aliases[network], **more)

    def start(self, name: str) -> None:
        """Start a container; a running one stays as it is."""
        with self._starts, explain_errors("start", name):
            self._api.start(name)

    def resume(self, name: str) -> None:
        """Start a container that ran before; a paused one goes on."""
        with self._starts, explain_errors("start", name):
            if self._api.inspect_container(name)["State"].get("Paused"):
                self._api.unpause(name)
            self._api.start(name)

    def stop(self, name: str, timeout: int | None) -> None:
        """Stop signal, then a kill after `timeout` seconds or its own grace period; one that does not run is fine."""
        own = self.own(name)
        if own is None:
            return
        if timeout is None:  # the SDK has to know how long the engine may take to answer
            given = own["Config"].get("StopTimeout")
            timeout = USUAL_STOP_TIMEOUT if given is None else int(given)
        self._client.ask("stop", name, lambda: self._api.stop(own["Id"], timeout=timeout))

    def remove(self, name: str, *, volumes: bool = False) -> None:
        """Remove a container; one that is gone, or that somebody else has given this name, is fine (DP-T18).

        :param volumes: also those volumes that were made with it and have no name, with all that is in them.
        """
        own = self.own(name)
        if own is not None:
            self._client.ask("remove", name, lambda: self._api.remove_container(own["Id"], v=volumes, force=True))

    def own(self, name: str) -> t.Any:
        """The container of this name that is this platform's, inspected; None without one.

        A wall between us and neighbours: a step that is taken back names what it may not have made at all, because
        the name was taken. What is stopped or removed is the very container that was looked at.
        """
        row = self._client.ask("look whose it is", name, lambda: self._api.inspect_container(name))
        return row if row and listing.owned(row["Config"]["Labels"], self._client.state_dir) else None

    @contextlib.contextmanager
    def pause(self, *names: str) -> t.Iterator[None]:
        """Have running containers stand still for the length of a block; those that ended by themselves are fine.

        They go on with the end of this process as well, whatever ends it.
        """
        with contextlib.ExitStack() as still:
            if names:
                still.enter_context(
                    process.watched(lambda pipe: watcher.unpausing(self._client.docker_host, names, pipe))
                )
            for name in names:
                still.callback(self._go_on, name)
                self._unless_ended(name, "pause", "running", functools.partial(self._api.pause, name))
            yield

    def _go_on(self, name: str) -> None:
        self._unless_ended(name, "let go on", "paused", lambda: self._api.unpause(name))

    def _unless_ended(self, name: str, doing: str, state: str, act: t.Callable[[], t.Any]) -> None:
        for again in reversed(range(FLAPS)):
            try:
                self._client.ask(doing, name, act)
            except EngineFailure:
                facts = self.inspect(name)
                if facts is None or facts.state != state:
                    return
                if not again:
                    raise
            else:
                return
