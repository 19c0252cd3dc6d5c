# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that imports the Docker SDK; `_stream` drives its low-level client for builds, too."""

from __future__ import annotations

import contextlib
import functools
import io
import math
import os
import re
import tarfile
import threading
import time
import traceback
import typing as t

from ..host import process, watcher
from ..values.actual import Container, Image
from ..values.container import ContainerSpec
from ..values.errors import EngineFailure, setting
from ..values.identity import Subject
from ..values.volume import Named
from ..values.workload import Registry, registry_of
from . import listing, volume_contents
from .arguments import ContainerExtra, address_options, container_options, host_options, network_options
from .listing import LABEL_MANAGED, Facts, Mounted, Publisher

_BEGIN = time.monotonic()
try:
    import docker.errors
    import requests.exceptions
    from docker.api.client import APIClient
    from docker.utils.build import exclude_paths

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()
IMPORT_SECONDS = time.monotonic() - _BEGIN

# Starting a container is work for processors, 0.26 s of one with a small application's own start. Many at once end late
# together and cost a tenth more; a few more than there are processors keep all of them busy.
STARTS_AT_ONCE = 1 + 2 * (os.cpu_count() or 1)
USUAL_STOP_TIMEOUT = 10  # seconds, where neither a declaration nor the container has another
TAIL_LINES = 30
TAIL_BYTES = 4096
CONFLICT = 409
LINKS = 8  # of a file in an image, one behind the other
_NOTHING = bytes(10 * tarfile.BLOCKSIZE)  # a tar archive without an entry


@contextlib.contextmanager
def explained(doing: str, subject: str) -> t.Iterator[None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except docker.errors.APIError as error:
        said = str(error.explanation or error)
        raise EngineFailure(f"the engine refused to {doing}: {said}", subject=subject) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise EngineFailure(
            f"the engine did not answer ({doing}): {error}",
            subject=subject,
            remedy=f"Start Docker, run as root (become), or set {setting('docker_host')}.",
        ) from error


class Engine:
    """One connection to the Docker Engine; `api` is the SDK's client.

    :param docker_host: its address; the platform also reads the host's /proc, so it has to be this host.
    :param state_dir: which platform this is.
    """

    def __init__(self, docker_host: str, state_dir: str, first: Engine | None = None) -> None:
        self.docker_host = docker_host
        self.state_dir = state_dir
        self._made: list[int] = first._made if first else [1]  # asking for the engine's API version was the first
        # What was asked or made once in this run holds for its length; a pull is the one thing that moves a reference.
        self._images: dict[str, Image] = first._images if first else {}
        self._publishers: dict[int, Publisher | None] = first._publishers if first else {}
        self._networks: dict[str, str] = first._networks if first else {}
        self._starting: threading.Semaphore = first._starting if first else threading.Semaphore(STARTS_AT_ONCE)
        version: str = first.api_version if first else "auto"
        with explained("connect", docker_host):
            self.api = APIClient(base_url=docker_host, version=version, timeout=120)
        self.api.trust_env = False
        self.api.hooks["response"].append(lambda *_response, **_options: self._made.append(1))

    def another(self) -> Engine:
        """One more connection, for a thread; requests are counted together."""
        return Engine(self.docker_host, self.state_dir, self)

    @property
    def api_version(self) -> str:
        """The API version that was agreed on."""
        return str(self.api.api_version)

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return len(self._made)

    # -- reading ------------------------------------------------------------------------------------------------

    def containers(self, subject: Subject | None = None) -> dict[Subject, tuple[Container, ...]]:
        """Every container of the platform, or of one workload: one request, however many there are.

        Where one does not run, the networks are asked for, too: it cannot be started without.
        """
        filters = {"label": listing.whose(subject)}
        with explained("list containers", subject.workload if subject else self.state_dir):
            rows = self._mine(self.api.containers(all=True, filters=filters))
            stopped = any(row["State"] != "running" for row in rows)
            networks = {row["Id"] for row in self.api.networks()} if stopped else None
        found: dict[Subject, tuple[Container, ...]] = {}
        for row in sorted(rows, key=lambda row: str(row["Names"][0])):
            key = listing.subject_of(row)
            found[key] = (*found.get(key, ()), listing.container_of(row, networks))
        return found

    def _mine(self, rows: t.Iterable[t.Any]) -> list[t.Any]:
        """Those of listed things that are this platform's."""
        return [row for row in rows if listing.owned(row["Labels"], self.state_dir)]

    def image(self, reference: str, *, fresh: bool = False) -> Image | None:
        """An image by reference or id, or None.

        :param fresh: ask again, because it was made just now.
        """
        if fresh:
            self._images.pop(reference, None)
        if reference not in self._images:
            facts = self._found("inspect the image", reference, lambda: self.api.inspect_image(reference))
            if not facts:
                return None
            self._images[reference] = self._images[facts["Id"]] = listing.image_of(facts)
        return self._images[reference]

    def images(self) -> dict[str, Image]:
        """Every image by every name it has; without what only an inspection tells."""
        with explained("list images", "all"):
            return listing.images_of(self.api.images())

    def remote_digest(self, reference: str, registry: Registry | None) -> str:
        """Manifest digest that the registry has for a reference now."""
        with explained("ask the registry for", reference):
            answer = self.api.inspect_distribution(reference, auth_config=_auth(reference, registry))
        return str(answer["Descriptor"]["digest"])

    def inspect(self, name: str) -> Facts | None:
        """State of one container, or None; a name that only matches as an id prefix does not count."""
        row = self._found("inspect", name, lambda: self.api.inspect_container(name))
        return listing.facts_of(row) if row and row["Name"].lstrip("/") == name else None

    def _found(self, doing: str, subject: str, ask: t.Callable[[], t.Any]) -> t.Any:
        """What the engine says of a thing, or None when it has none of that name."""
        try:
            with explained(doing, subject):
                return ask()
        except EngineFailure as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise

    def project_owners(self, project: str) -> set[Subject]:
        """Whose the containers of a Compose project are; an empty name and environment for anybody else's."""
        with explained("look for the project", project):
            rows = self.api.containers(all=True, filters={"label": [f"com.docker.compose.project={project}"]})
        mine = self._mine(rows)
        return {listing.subject_of(row) for row in mine} | ({Subject("", "")} if len(mine) < len(rows) else set())

    def strangers(self, names: t.Collection[str], subject: Subject) -> list[str]:
        """Those of these names that containers have which are not the workload's."""
        if not names:
            return []
        with explained("look whose the names are", ", ".join(names)):
            rows = self.api.containers(all=True, filters={"name": [f"^/{re.escape(name)}$" for name in names]})
        mine = {row["Id"] for row in self._mine(rows) if listing.subject_of(row) == subject}
        return sorted(row["Names"][0].lstrip("/") for row in rows if row["Id"] not in mine)

    def publisher(self, port: int) -> Publisher | None:
        """The container that a port of this host leads to; None where none publishes it."""
        if port not in self._publishers:
            with explained("look who publishes port", str(port)):
                rows = self.api.containers(filters={"publish": str(port)})
            self._publishers[port] = listing.publisher_of(rows[0]) if rows else None
        return self._publishers[port]

    def remove_networks(self, subject: Subject) -> None:
        """Remove the networks that were made for a workload; one that somebody still uses stays."""
        with explained("list networks", subject.workload):
            rows = self._mine(self.api.networks(filters={"label": listing.whose(subject)}))
        for row in rows:
            with contextlib.suppress(EngineFailure):
                self._if_there(row["Name"], "remove the network", functools.partial(self.api.remove_network, row["Id"]))

    def volumes(self, subject: Subject) -> tuple[str, ...]:
        """Names of the volumes that were made for a workload."""
        with explained("list volumes", subject.workload):
            rows = self._mine(self.api.volumes(filters={"label": listing.whose(subject)})["Volumes"] or ())
        return tuple(sorted(row["Name"] for row in rows))

    def volumes_of_all(self) -> dict[Subject, tuple[str, ...]]:
        """Names of the volumes that were made for workloads, by whose they are."""
        with explained("list volumes", self.state_dir):
            rows = self._mine(self.api.volumes(filters={"label": listing.whose(None)})["Volumes"] or ())
        found: dict[Subject, tuple[str, ...]] = {}
        for row in sorted(rows, key=lambda row: str(row["Name"])):
            key = listing.subject_of(row)
            found[key] = (*found.get(key, ()), row["Name"])
        return found

    def mounted(self, name: str) -> list[Mounted]:
        """The volumes of a container."""
        row = self._found("inspect", name, lambda: self.api.inspect_container(name))
        return listing.mounted(row) if row else []

    def unnamed_volumes(self, name: str) -> dict[str, str]:
        """Volumes of a container that have no name but an id, by where they are mounted."""
        return {mount.target: mount.volume for mount in self.mounted(name) if mount.unnamed}

    def named_volumes(self) -> dict[str, Named]:
        """Every volume of the engine, whoever made it, by name."""
        with explained("list volumes", "all"):
            rows = self.api.volumes()["Volumes"] or ()
        return {row["Name"]: listing.volume_of(row) for row in rows}

    def volume_users(self, volume: str) -> dict[str, Subject]:
        """Containers, whoever owns them, that mount a volume, and the workload that each belongs to."""
        with explained("look for users of the volume", volume):
            rows = self.api.containers(all=True, filters={"volume": volume})
        found = {row["Names"][0].lstrip("/"): listing.subject_of(row) for row in rows}
        return {name: subject for name, subject in found.items() if name != listing.holder(volume).name}

    def writers(self, volumes: t.Collection[str]) -> dict[str, Subject]:
        """Running containers, whoever owns them, that mount one of these for writing; an empty subject for others'."""
        with explained("look who writes", ", ".join(volumes)):
            rows = self.api.containers(filters={"status": "running"})
        found = [row for row in rows if listing.writes(row, volumes)]
        mine = [row["Id"] for row in self._mine(found)]
        return {
            row["Names"][0].lstrip("/"): listing.subject_of(row) if row["Id"] in mine else Subject("", "")
            for row in found
        }

    def image_users(self, image_id: str) -> bool:
        """True while any container, whoever owns it, is made from an image."""
        with explained("look for users of the image", image_id):
            return bool(self.api.containers(all=True, filters={"ancestor": image_id}, limit=1))

    def root_dir(self) -> str:
        """Where the engine keeps images and containers."""
        return str(self.facts()["DockerRootDir"])

    def layers_size(self) -> int:
        """Bytes that all images take together, shared layers counted once."""
        with explained("measure its images", "the engine"):
            return int(self.api.df()["LayersSize"] or 0)

    def tail(self, name: str) -> str:
        """The last lines that a container wrote, or why they cannot be read: they go with a cause, and are none.

        Not every log driver can be read, and an engine that ails has other causes to tell.
        """
        try:
            with explained("read the log of", name):
                text: bytes = self.api.logs(name, tail=TAIL_LINES, stdout=True, stderr=True)
        except EngineFailure as error:
            return "" if isinstance(error.__cause__, docker.errors.NotFound) else f"(not to be had: {error.cause})"
        return text[-TAIL_BYTES:].decode("utf-8", "replace").strip()

    def written(self, name: str, since: float, until: float) -> list[tuple[str, str]]:
        """Lines that a container wrote, oldest first, each after its moment and a blank, and the stream it wrote to.

        The moments have nine digits behind the second, so that their texts sort; the bounds are met to the second.
        """
        found: list[tuple[str, str]] = []
        span = {"since": math.floor(since), "until": math.ceil(until)}
        for stream in ("stdout", "stderr"):
            with explained("read the log of", name):
                only = {"stdout": stream == "stdout", "stderr": stream == "stderr"}
                text: bytes = self.api.logs(name, timestamps=True, **only, **span)
            found += [(line, stream) for line in text.decode("utf-8", "replace").split("\n") if line]
        return sorted(found, key=lambda row: row[0].partition(" ")[0])

    def facts(self) -> dict[str, t.Any]:
        """What the engine says of itself, as `docker info` does."""
        with explained("ask for its facts", "the engine"):
            return t.cast("dict[str, t.Any]", self.api.info())

    def archive(self, name: str, path: str, into: t.IO[bytes]) -> bool:
        """Write a path of a container as a tar archive; False where there is none.

        :param into: is read again, and then stands at its beginning.
        """
        found = self._found("read the files of", name, lambda: self.api.get_archive(name, path))
        if found is not None:
            _written_whole(f"read the files of {path} in", name, found[0], into)
        into.seek(0)
        return found is not None

    def save(self, reference: str, into: t.IO[bytes]) -> None:
        """Write an image as `docker save` does.

        :param into: is read again.
        """
        with explained("save the image", reference):
            chunks = self.api.get_image(reference)
        _written_whole("save the image", reference, chunks, into)

    def output(self, name: str, command: t.Sequence[str], into: t.IO[bytes]) -> tuple[int, str]:
        """Write what a command inside a container writes; how it ended, and what it complained of."""
        said = b""
        with explained("run a command in", name):
            made = self.api.exec_create(name, list(command))
            for out, err in self.api.exec_start(made["Id"], stream=True, demux=True):
                into.write(out or b"")
                said = (said + (err or b""))[-TAIL_BYTES:]
            code = int(self.api.exec_inspect(made["Id"])["ExitCode"] or 0)
        return code, said.decode("utf-8", "replace").strip()

    def passwd(self, name: str) -> str:
        """The container's /etc/passwd, empty where it has none; works before it is started."""
        path = "/etc/passwd"
        for _link in range(LINKS):
            found = io.BytesIO()
            if not self.archive(name, path, found):
                return ""
            with tarfile.open(fileobj=found) as tar:
                entry = tar.getmembers()[0]
                if not entry.issym():
                    content = tar.extractfile(entry) if entry.isreg() else None
                    return content.read().decode("utf-8", "replace") if content else ""
                path = os.path.normpath(os.path.join(os.path.dirname(path), entry.linkname))
        return ""

    # -- writing ------------------------------------------------------------------------------------------------

    def pull(self, reference: str, registry: Registry | None, check: t.Callable[[], None]) -> None:
        """Fetch an image; returns when it is complete.

        :param check: called at every sign of progress; raises to stop.
        """
        with explained("pull", reference):
            for event in self.api.pull(reference, auth_config=_auth(reference, registry), stream=True, decode=True):
                check()
                self._images.pop(reference, None)
                if "error" in event:
                    raise EngineFailure(f"the pull failed: {event['error']}", subject=reference)

    def context_paths(self, root: str, dockerfile: str) -> set[str]:
        """The paths of a build context: all of a tree but git's own and what its `.dockerignore` leaves out."""
        try:
            with open(os.path.join(root, ".dockerignore"), encoding="utf-8") as stream:
                lines = [line.strip() for line in stream]
        except FileNotFoundError:
            lines = []
        patterns = [line for line in lines if line and not line.startswith("#")]
        return set(exclude_paths(root, ["**/.git", *patterns], dockerfile=dockerfile))

    def load(self, stream: t.IO[bytes]) -> None:
        """Take in an image that was saved."""
        with explained("load an image", ""):
            for event in self.api.load_image(stream):
                if "error" in event:
                    raise EngineFailure(f"the image was refused: {event['error']}", subject=self.docker_host)

    def tag(self, image_id: str, repository: str, tag: str) -> None:
        """Give an image one more name."""
        with explained("name the image", image_id):
            self.api.tag(image_id, repository, tag)

    def ensure_network(self, name: str, address: str = "") -> None:
        """Create a bridge network unless there is one of this name.

        :param address: a fixed address that somebody is to have in it, which asks for a subnet that was chosen.
        """
        if not self._known(name):
            with explained("create the network", name):
                more = network_options(address) if address else {}
                self.api.create_network(
                    name, driver="bridge", check_duplicate=True, labels={LABEL_MANAGED: "1"}, **more
                )
            self._networks[name] = ""

    def _known(self, name: str) -> bool:
        """Ask for a network once, and whether there is one."""
        if name not in self._networks:
            with explained("list networks", name):
                rows = self.api.networks(names=[name])
            self._networks.update(listing.kept_for_proxy(rows, name))
        return name in self._networks

    def kept_for_proxy(self, name: str) -> str:
        """The addresses that a network keeps for the proxy and its stand-in, as a prefix; empty where it keeps none."""
        return self._networks[name] if self._known(name) else ""

    def ensure_volume(
        self,
        name: str,
        labels: t.Mapping[str, str],
        driver: str | None = None,
        options: t.Mapping[str, str] | None = None,
        *,
        managed: bool = True,
    ) -> None:
        """Create a named volume unless there is one (the engine's create is idempotent and keeps old labels)."""
        own = {LABEL_MANAGED: "1"} if managed else {}
        with explained("create the volume", name):
            given = dict(options) if options else None
            self.api.create_volume(name, driver=driver, driver_opts=given, labels={**own, **labels})

    @contextlib.contextmanager
    def paused(self, *names: str) -> t.Iterator[None]:
        """Have running containers stand still for the length of a block; those that ended by themselves are fine.

        They go on with the end of this process as well, whatever ends it.
        """
        with contextlib.ExitStack() as still:
            if names:
                still.enter_context(process.watched(lambda pipe: watcher.unpausing(self.docker_host, names, pipe)))
            for name in names:
                still.callback(self._go_on, name)
                self._unless_ended(name, "pause", "running", functools.partial(self.api.pause, name))
            yield

    def _go_on(self, name: str) -> None:
        self._unless_ended(name, "let go on", "paused", lambda: self.api.unpause(name))

    def _unless_ended(self, name: str, doing: str, state: str, act: t.Callable[[], t.Any]) -> None:
        try:
            self._if_there(name, doing, act)
        except EngineFailure:
            facts = self.inspect(name)
            if facts is not None and facts.state == state:
                raise

    def fill(self, volume: str, target: str, archive: t.IO[bytes]) -> None:
        """Unpack a copy of what was mounted at a place into a volume."""
        with self.holding(volume, target) as held, explained("fill the volume", volume):
            self.api.put_archive(held.name, os.path.dirname(held.path), archive)

    def empty(self, volume: str) -> bool:
        """Whether nothing is in a volume, but for what a new file system has."""
        return self._told(volume, volume_contents.nothing_in)

    def newer(self, volume: str, moment: float) -> bool:
        """Whether something was written into a volume after a moment."""
        return self._told(volume, lambda chunks: volume_contents.newer_in(chunks, moment))

    def _told(self, volume: str, tell: t.Callable[[t.Iterable[bytes]], bool]) -> bool:
        """What the archive of a volume tells, which is read only as far as that takes."""
        with self.holding(volume, "/data") as held:
            other, answers = self.another(), list[t.Any]()
            other.api.hooks["response"].append(lambda answer, **_options: answers.append(answer))
            with explained("look into the volume", volume):
                try:
                    return tell(other.api.get_archive(held.name, held.path)[0])
                finally:
                    for answer in answers:
                        answer.close()

    @contextlib.contextmanager
    def holding(self, volume: str, target: str) -> t.Iterator[listing.Holder]:
        """A container with a volume that is never started, for the length of a block.

        Its image holds nothing: what that of a workload has at a place, a link for example, does not matter.

        :param target: where it is mounted otherwise; the copy of it is called as the last part of this.
        """
        own, image = listing.ownership(self.state_dir), f"tidegate-nothing:{os.urandom(8).hex()}"
        held = listing.holder(volume, target)
        host = self.api.create_host_config(binds=[f"{volume}:{held.path}:rw,nocopy"], network_mode="none")
        self.remove_holder(volume)  # of a run that was killed
        with contextlib.ExitStack() as gone, explained("make a container for the volume", volume):
            gone.callback(self.remove_image, image)
            self.api.import_image_from_data(_NOTHING, *image.split(":"))
            gone.callback(self.remove_holder, volume)
            labels = {**own, listing.LABEL_IMAGE: image}
            self.api.create_container(image, command=["none"], name=held.name, host_config=host, labels=labels)
            made = gone.pop_all()
        with made:
            yield held

    def remove_holder(self, volume: str) -> None:
        """Remove the container by which a volume was read or filled, and its image."""
        own = self._own(listing.holder(volume).name)
        if own is not None:
            self._if_there(volume, "let go of", lambda: self.api.remove_container(own["Id"], v=True, force=True))
            image = own["Config"]["Labels"].get(listing.LABEL_IMAGE)
            if image:
                self.remove_image(image)

    def create(self, name: str, image_id: str, spec: ContainerSpec, extra: ContainerExtra) -> None:
        """Create a container complete with all its networks, not started.

        :raises EngineFailure: the name is taken, too (DP-T18): nothing is ever replaced by name.
        """
        networking = None
        known = spec.networks if extra.known_in is None else extra.known_in
        aliases = {network: list(spec.aliases) or None if network in known else None for network in spec.networks}
        if spec.networks:
            first = spec.networks[0]
            endpoint = self.api.create_endpoint_config(aliases=aliases[first], **address_options(spec, first))
            networking = self.api.create_networking_config({spec.networks[0]: endpoint})
        with explained("create the container", name):
            self.api.create_container(
                image_id,
                name=name,
                hostname=name,
                host_config=self.api.create_host_config(**host_options(spec, extra)),
                networking_config=networking,
                **container_options(spec, extra),
            )
            for network in spec.networks[1:]:
                more = address_options(spec, network)
                self.api.connect_container_to_network(name, network, aliases=aliases[network], **more)

    def start(self, name: str) -> None:
        """Start a container; a running one stays as it is."""
        with self._starting, explained("start", name):
            self.api.start(name)

    def resume(self, name: str) -> None:
        """Start a container that ran before; a paused one goes on."""
        with self._starting, explained("start", name):
            if self.api.inspect_container(name)["State"].get("Paused"):
                self.api.unpause(name)
            self.api.start(name)

    def stop(self, name: str, timeout: int | None) -> None:
        """Stop signal, then a kill after `timeout` seconds or its own grace period; one that does not run is fine."""
        own = self._own(name)
        if own is None:
            return
        if timeout is None:  # the SDK has to know how long the engine may take to answer
            given = own["Config"].get("StopTimeout")
            timeout = USUAL_STOP_TIMEOUT if given is None else int(given)
        self._if_there(name, "stop", lambda: self.api.stop(own["Id"], timeout=timeout))

    def remove(self, name: str, *, volumes: bool = False) -> None:
        """Remove a container; one that is gone, or that somebody else has given this name, is fine (DP-T18).

        :param volumes: also those volumes that were made with it and have no name, with all that is in them.
        """
        own = self._own(name)
        if own is not None:
            self._if_there(name, "remove", lambda: self.api.remove_container(own["Id"], v=volumes, force=True))

    def _own(self, name: str) -> t.Any:
        """The container of this name that is this platform's, inspected; None without one.

        A wall between us and neighbours: a step that is taken back names what it may not have made at all, because
        the name was taken. What is stopped or removed is the very container that was looked at.
        """
        row = self._found("look whose it is", name, lambda: self.api.inspect_container(name))
        return row if row and listing.owned(row["Config"]["Labels"], self.state_dir) else None

    def remove_volume(self, name: str) -> None:
        """Remove a named volume with its data; one that is gone is fine."""
        self.remove_holder(name)
        self._if_there(name, "remove the volume", lambda: self.api.remove_volume(name))

    def remove_image(self, reference: str) -> bool:
        """Take a reference away, and the image with its last one; False while a container uses it."""
        try:
            self._if_there(reference, "remove the image", lambda: self.api.remove_image(reference))
        except EngineFailure as error:
            if getattr(getattr(error.__cause__, "response", None), "status_code", 0) == CONFLICT:
                return False
            raise
        return True

    def _if_there(self, name: str, doing: str, act: t.Callable[[], t.Any]) -> None:
        self._found(doing, name, act)

    def begin_command(self, name: str, command: tuple[str, ...]) -> str:
        """Start a command inside a running container and give its id; what it writes goes to nobody."""
        with explained("run a command in", name):
            made = self.api.exec_create(name, list(command), stdout=False, stderr=False)
            self.api.exec_start(made["Id"], detach=True)
        return str(made["Id"])

    def exit_code(self, command: str) -> int | None:
        """How a begun command ended, or None while it runs."""
        with explained("look at the command", command):
            facts = self.api.exec_inspect(command)
        return None if facts["Running"] else int(facts["ExitCode"] or 0)

    def end_command(self, command: str) -> None:
        """End a begun command with everything that it started; the engine has no request for that."""
        with explained("look at the command", command):
            facts = self.api.exec_inspect(command)
        if facts["Running"] and facts["Pid"]:
            process.end_session(facts["Pid"])


def _written_whole(doing: str, subject: str, chunks: t.Iterable[bytes], into: t.IO[bytes]) -> None:
    """Write a tar archive that the engine answers with; where it cannot read on, it ends its answer as if all was well.

    :raises EngineFailure: the archive ends in its middle.
    """
    with explained(doing, subject):
        for chunk in chunks:
            into.write(chunk)
    if not volume_contents.whole(into):
        remedy = "A disk fails, or a file shrinks while it is read: see the engine's log (journalctl -u docker)."
        raise EngineFailure(f"the engine did not {doing} to the end", subject=subject, remedy=remedy)


def _auth(reference: str, registry: Registry | None) -> dict[str, str] | None:
    """Credentials for a reference, if they are its registry's: any other would be told them."""
    if registry is None or registry_of(reference) != registry.host:
        return None
    return {"username": registry.username, "password": registry.password}
