# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that knows the Docker SDK (its low-level client). Private to tidegate.platform."""

from __future__ import annotations

import io
import tarfile
import time
import traceback
import typing as t
from contextlib import contextmanager

from ._create import ContainerExtra, container_options, host_options
from ._declared import ContainerSpec, Registry
from ._errors import EngineFailure
from ._model import Container, Image

try:
    _BEGIN = time.monotonic()
    import docker.errors
    import requests.exceptions
    from docker.api.client import APIClient

    IMPORT_SECONDS = time.monotonic() - _BEGIN
    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

# Two platforms on one engine, with state directories of their own, never touch each other's containers.
LABEL_STATE_DIR = "tidegate.state_dir"
LABEL_WORKLOAD = "tidegate.workload"
LABEL_ENVIRONMENT = "tidegate.environment"
LABEL_DEPLOYMENT = "tidegate.deployment"
LABEL_FINGERPRINT = "tidegate.fingerprint"
LABEL_MANAGED = "tidegate.managed"
TAIL_LINES = 30
TAIL_BYTES = 4096


class Facts(t.NamedTuple):
    """What one inspection of a container tells."""

    state: str
    health: str
    exit_code: int
    restarts: int
    address: str
    pid: int


@contextmanager
def _explained(doing: str, subject: str) -> t.Iterator[None]:
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
            remedy="Start Docker, run as root (become), or set docker_host.",
        ) from error


class Engine:
    """One connection to the Docker Engine.

    :param docker_host: its address; the platform also reads the host's /proc, so it has to be this host.
    :param state_dir: which platform this is.
    """

    def __init__(self, docker_host: str, state_dir: str) -> None:
        self.state_dir = state_dir
        with _explained("connect", docker_host):
            self._api = APIClient(base_url=docker_host, version="auto", timeout=120)
        self.requests = 1  # asking for the engine's API version was the first
        self._api.hooks["response"].append(self._count)

    def _count(self, *_response: t.Any, **_options: t.Any) -> None:
        self.requests += 1

    # -- reading ------------------------------------------------------------------------------------------------

    def containers(self, workload: str, environment: str) -> tuple[Container, ...]:
        """Every container of a workload that serves it, running or not: one request, however many there are."""
        labels = {LABEL_STATE_DIR: self.state_dir, LABEL_WORKLOAD: workload, LABEL_ENVIRONMENT: environment}
        filters = {"label": [f"{key}={value}" for key, value in labels.items()]}
        with _explained("list containers", workload):
            rows = self._api.containers(all=True, filters=filters)
        return tuple(sorted((_listed(row) for row in rows), key=lambda c: c.name))

    def image(self, reference: str) -> Image | None:
        """An image by reference or id, or None."""
        try:
            with _explained("inspect the image", reference):
                facts = self._api.inspect_image(reference)
        except EngineFailure as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise
        config = facts.get("Config") or {}
        check = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
        digests = tuple(d.rpartition("@")[2] for d in facts.get("RepoDigests") or ())
        return Image(facts["Id"], config.get("User") or "", check != ["NONE"], digests)

    def remote_digest(self, reference: str, registry: Registry | None) -> str:
        """Manifest digest that the registry has for a reference now."""
        with _explained("ask the registry for", reference):
            answer = self._api.inspect_distribution(reference, auth_config=_auth(registry))
        return str(answer["Descriptor"]["digest"])

    def inspect(self, name: str) -> Facts | None:
        """State of one container, or None; a name that only matches as an id prefix does not count."""
        try:
            with _explained("inspect", name):
                row = self._api.inspect_container(name)
        except EngineFailure as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise
        if row["Name"].lstrip("/") != name:
            return None
        state, networks = row["State"], row["NetworkSettings"]["Networks"]
        addresses = [n["IPAddress"] for n in networks.values() if n.get("IPAddress")]
        return Facts(
            state["Status"],
            (state.get("Health") or {}).get("Status", ""),
            state["ExitCode"],
            row["RestartCount"],
            addresses[0] if addresses else "",
            state["Pid"],
        )

    def tail(self, name: str) -> str:
        """The last lines that a container wrote."""
        with _explained("read the log of", name):
            text: bytes = self._api.logs(name, tail=TAIL_LINES, stdout=True, stderr=True)
        return text[-TAIL_BYTES:].decode("utf-8", "replace").strip()

    def passwd(self, name: str) -> str:
        """The container's /etc/passwd, empty where it has none; works before it is started."""
        try:
            with _explained("read /etc/passwd of", name):
                chunks, _stat = self._api.get_archive(name, "/etc/passwd")
                data = b"".join(chunks)
        except EngineFailure as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return ""
            raise
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            return member.read().decode("utf-8", "replace") if member else ""

    # -- writing ------------------------------------------------------------------------------------------------

    def pull(self, reference: str, registry: Registry | None) -> None:
        """Fetch an image; returns when it is complete."""
        with _explained("pull", reference):
            for event in self._api.pull(reference, auth_config=_auth(registry), stream=True, decode=True):
                if "error" in event:
                    raise EngineFailure(f"the pull failed: {event['error']}", subject=reference)

    def ensure_network(self, name: str) -> None:
        """Create a bridge network unless there is one of this name."""
        with _explained("list networks", name):
            rows = self._api.networks(names=[name])
        if not any(row["Name"] == name for row in rows):
            with _explained("create the network", name):
                self._api.create_network(name, driver="bridge", check_duplicate=True, labels={LABEL_MANAGED: "1"})

    def ensure_volume(self, name: str, labels: dict[str, str]) -> None:
        """Create a named volume unless there is one (the engine's create is idempotent and keeps old labels)."""
        with _explained("create the volume", name):
            self._api.create_volume(name, labels={LABEL_MANAGED: "1", **labels})

    def create(self, name: str, image_id: str, spec: ContainerSpec, extra: ContainerExtra) -> None:
        """Create a container complete with all its networks, not started.

        :raises EngineFailure: the name is taken, too (DP-T18): nothing is ever replaced by name.
        """
        aliases = list(spec.aliases) or None
        networking = None
        if spec.networks:
            endpoint = self._api.create_endpoint_config(aliases=aliases)
            networking = self._api.create_networking_config({spec.networks[0]: endpoint})
        with _explained("create the container", name):
            self._api.create_container(
                image_id,
                name=name,
                hostname=name,
                host_config=self._api.create_host_config(**host_options(spec, extra)),
                networking_config=networking,
                **container_options(spec, extra),
            )
            for network in spec.networks[1:]:
                self._api.connect_container_to_network(name, network, aliases=aliases)

    def start(self, name: str) -> None:
        """Start a created or stopped container; a running one stays as it is, a paused one goes on."""
        with _explained("start", name):
            facts = self._api.inspect_container(name)["State"]
            if facts.get("Paused"):
                self._api.unpause(name)
            self._api.start(name)

    def stop(self, name: str, timeout: int) -> None:
        """Stop signal, then a kill after `timeout` seconds; one that is gone or not running is fine."""
        self._if_there(name, "stop", lambda: self._api.stop(name, timeout=timeout))

    def remove(self, name: str) -> None:
        """Remove a container with its anonymous volumes; one that is gone is fine."""
        self._if_there(name, "remove", lambda: self._api.remove_container(name, v=True, force=True))

    def _if_there(self, name: str, doing: str, act: t.Callable[[], None]) -> None:
        try:
            with _explained(doing, name):
                act()
        except EngineFailure as error:
            if not isinstance(error.__cause__, docker.errors.NotFound):
                raise

    def wait(self, name: str, seconds: float) -> int | None:
        """Exit code of a container, or None when it still runs after `seconds`."""
        try:
            with _explained("wait for", name):
                return int(self._api.wait(name, timeout=seconds)["StatusCode"])
        except EngineFailure as error:
            if isinstance(error.__cause__, (requests.exceptions.Timeout, requests.exceptions.ConnectionError)):
                return None
            raise

    def begin_command(self, name: str, command: tuple[str, ...]) -> str:
        """Start a command inside a running container and give its id; what it writes goes to nobody."""
        with _explained("run a command in", name):
            made = self._api.exec_create(name, list(command), stdout=False, stderr=False)
            self._api.exec_start(made["Id"], detach=True)
        return str(made["Id"])

    def exit_code(self, command: str) -> int | None:
        """How a begun command ended, or None while it runs."""
        with _explained("look at the command", command):
            facts = self._api.exec_inspect(command)
        return None if facts["Running"] else int(facts["ExitCode"] or 0)


def _auth(registry: Registry | None) -> dict[str, str] | None:
    return {"username": registry.username, "password": registry.password} if registry else None


def _listed(row: t.Mapping[str, t.Any]) -> Container:
    labels, status = row["Labels"] or {}, row["Status"]
    health = next(
        (word for word in ("unhealthy", "starting", "healthy") if f"({word}" in status or word + ")" in status), ""
    )
    return Container(
        name=row["Names"][0].lstrip("/"),
        state=row["State"],
        health=health,
        deployment=labels.get(LABEL_DEPLOYMENT, ""),
        fingerprint=labels.get(LABEL_FINGERPRINT, ""),
    )
