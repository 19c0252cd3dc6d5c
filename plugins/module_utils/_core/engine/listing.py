# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the engine's answers to frozen values, and the labels they are told by. Pure."""

from __future__ import annotations

import posixpath
import re
import typing as t

from ..values.actual import Container, Image
from ..values.container import ContainerSpec
from ..values.grammar import place
from ..values.identity import Document, Subject
from ..values.volume import Named

# Two platforms on one engine, with state directories of their own, never touch each other's containers.
LABEL_STATE_DIR = "tidegate.state_dir"
LABEL_PROXY = "tidegate.proxy"  # of networks that keep addresses for the proxy
LABEL_WORKLOAD = "tidegate.workload"
LABEL_ENVIRONMENT = "tidegate.environment"
LABEL_DEPLOYMENT = "tidegate.deployment"
LABEL_FINGERPRINT = "tidegate.fingerprint"
LABEL_RELEASE = "tidegate.release"  # of containers that were made before 0.2
LABEL_MANAGED = "tidegate.managed"
LABEL_IMAGE = "tidegate.image"  # of containers that hold a volume: what goes with them
LABEL_RESTORED = "tidegate.restored"  # of volumes: which filling made it
_ID = re.compile("[0-9a-f]{64}")
SIX = "GlobalIPv6Address"
_DEFAULT_REGISTRY = ("docker.io/library/", "docker.io/", "index.docker.io/library/", "index.docker.io/")


class Facts(t.NamedTuple):
    """What one inspection of a container tells."""

    state: str
    health: str
    exit_code: int
    restarts: int
    address: str
    address6: str
    pid: int
    limits: dict[str, t.Any]

    @property
    def reachable(self) -> str:
        """The address at which the host reaches it; a network may have IPv6 alone."""
        return self.address or self.address6


class Publisher(t.NamedTuple):
    """A container that publishes a port, and the networks that it is in."""

    name: str
    networks: tuple[str, ...]


def publisher_of(row: Document) -> Publisher:
    """A listed container that publishes a port."""
    networks = (row.get("NetworkSettings") or {}).get("Networks") or {}
    return Publisher(row["Names"][0].lstrip("/"), tuple(sorted(networks)))


def ownership(state_dir: str, subject: Subject | None = None) -> dict[str, str]:
    """Labels that everything of this platform, or of one of its workloads, carries."""
    labels = {LABEL_STATE_DIR: state_dir}
    return {**labels, LABEL_WORKLOAD: subject[0], LABEL_ENVIRONMENT: subject[1]} if subject else labels


def owned(labels: Document | None, state_dir: str) -> bool:
    """True for what is this platform's; earlier versions labelled it with the directory as it had been written."""
    said = str((labels or {}).get(LABEL_STATE_DIR, ""))
    return said == state_dir or (said != "" and place(said) == state_dir)


def whose(subject: Subject | None) -> list[str]:
    """Words of the engine's filter for what a workload has, or what any has, of whatever platform."""
    own = {LABEL_WORKLOAD: subject[0], LABEL_ENVIRONMENT: subject[1]} if subject else {}
    # What only fills a volume is of no workload.
    return [LABEL_STATE_DIR, *([f"{key}={value}" for key, value in own.items()] or [LABEL_WORKLOAD])]


def subject_of(row: Document) -> Subject:
    """Which workload a listed container or volume belongs to."""
    labels = row["Labels"] or {}
    return Subject(labels.get(LABEL_WORKLOAD, ""), labels.get(LABEL_ENVIRONMENT, ""))


def container_of(row: Document, networks: t.Collection[str] | None) -> Container:
    """A row of the container listing.

    :param networks: ids of the existing networks, None when they were not asked for.
    """
    labels, status = row["Labels"] or {}, row["Status"]
    health = next(
        (word for word in ("unhealthy", "starting", "healthy") if f"({word}" in status or word + ")" in status), ""
    )
    attached = (row.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        name=row["Names"][0].lstrip("/"),
        state=row["State"],
        health=health,
        deployment=labels.get(LABEL_DEPLOYMENT, ""),
        fingerprint=labels.get(LABEL_FINGERPRINT, ""),
        networks=tuple(
            sorted(name for name, end in attached.items() if networks is None or end.get("NetworkID") in networks)
        ),
        record=labels.get(LABEL_RELEASE, ""),
        service=labels.get("com.docker.compose.service", ""),
        exit_code=_exit_code(status),
        created=int(row.get("Created") or 0),
        image_id=row.get("ImageID") or "",
    )


def _exit_code(status: str) -> int | None:
    """How a container ended, from the words for people, where alone a listing has it: `Exited (0) 5 seconds ago`."""
    number = status.partition("Exited (")[2].partition(")")[0]
    return int(number) if number else None


def volume_of(row: Document) -> Named:
    """A listed volume."""
    return Named(row["Name"], row["Driver"], row.get("Options") or {}, row.get("Labels") or {})


class Holder(t.NamedTuple):
    """A container by which a volume is read or filled, and where the volume is in it."""

    name: str
    path: str


def holder(volume: str, target: str = "/data") -> Holder:
    """The one of a volume; what is copied from it, or to it, is called as the last part of where it is mounted.

    It is mounted at the top: the engine refuses an archive with a link that leads out of where it is unpacked, though
    what it leads to is looked for in the container that will have the volume. Nothing is outside of the top.
    """
    return Holder(f"tidegate-restore-{volume}", f"/{posixpath.basename(target.rstrip('/'))}")


class Mounted(t.NamedTuple):
    """A volume in a container, whose image has that id; some volumes have no name but an id."""

    volume: str
    target: str
    image: str
    unnamed: bool


def mounts_of(row: Document) -> list[Mounted]:
    """The volumes of an inspected container."""
    mounts = [m for m in row.get("Mounts") or () if m.get("Type") == "volume"]
    return [Mounted(m["Name"], m["Destination"], row["Image"], bool(_ID.fullmatch(m["Name"]))) for m in mounts]


def written(row: Document, volumes: t.Collection[str]) -> tuple[str, ...]:
    """Those of these volumes that a listed container mounts for writing."""
    mounts = [mount for mount in row.get("Mounts") or () if mount.get("RW", True)]
    return tuple(sorted({str(mount["Name"]) for mount in mounts if mount.get("Name") in volumes}))


def image_of(facts: Document) -> Image:
    """An inspected image."""
    config = facts.get("Config") or {}
    check = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    digests = tuple(d.rpartition("@")[2] for d in facts.get("RepoDigests") or ())
    labels = config.get("Labels") or {}
    volumes = tuple(sorted(config.get("Volumes") or ()))
    user, size = config.get("User") or "", facts.get("Size") or 0
    return Image(facts["Id"], user, check != ["NONE"], digests, size, volumes, labels)


def images_of(rows: t.Iterable[Document]) -> dict[str, Image]:
    """Listed images by every name they have, and by id."""
    found: dict[str, Image] = {}
    for row in rows:
        digests = row.get("RepoDigests") or ()
        image = Image(row["Id"], None, False, tuple(d.rpartition("@")[2] for d in digests), row.get("Size") or 0)
        for name in (row["Id"], *(row.get("RepoTags") or ()), *digests):
            found[name] = image
    return found


def familiar(reference: str) -> str:
    """A reference as the engine lists it: without the default registry."""
    for prefix in _DEFAULT_REGISTRY:
        if reference.startswith(prefix):
            return reference[len(prefix) :]
    return reference


def user_namespace(facts: Document) -> tuple[int, int]:
    """What user and group 0 of containers are on the host: others where the engine remaps users (userns-remap).

    :param facts: what the engine says of itself; it names its root directory by them.
    """
    remapped = any("name=userns" in str(option) for option in facts.get("SecurityOptions") or ())
    uid, _dot, gid = str(facts.get("DockerRootDir") or "").rpartition("/")[2].partition(".")
    return (int(uid), int(gid)) if remapped and uid.isdigit() and gid.isdigit() else (0, 0)


def facts_of(row: Document) -> Facts:
    """An inspected container."""
    state, networks, host = row["State"], row["NetworkSettings"]["Networks"], row.get("HostConfig") or {}
    addresses = _addresses(networks)
    return Facts(
        state["Status"],
        (state.get("Health") or {}).get("Status", ""),
        state["ExitCode"],
        row["RestartCount"],
        addresses[0],
        addresses[1],
        state["Pid"],
        {
            "memory": host.get("Memory") or None,
            "cpus": (host.get("NanoCpus") or 0) / 10**9 or None,
            "pids": host.get("PidsLimit") or None,
            "restart_policy": (host.get("RestartPolicy") or {}).get("Name") or "no",
        },
    )


def kept_for_proxy(rows: t.Iterable[Document], name: str) -> dict[str, str]:
    """By the network's name, the addresses that it keeps for the proxy; nothing without a network of this name."""
    mine = [row for row in rows if row["Name"] == name]
    return {row["Name"]: str((row.get("Labels") or {}).get(LABEL_PROXY, "")) for row in mine}


def _addresses(networks: Document) -> tuple[str, str]:
    """IPv4 and IPv6 of the network by which the engine routes a container's answers, empty where it has none.

    That is one with both families before others, and then the first by its name.
    """
    ends = [networks[name] for name in sorted(networks, key=lambda name: (not networks[name].get(SIX), name))]
    found = [next((end[family] for end in ends if end.get(family)), "") for family in ("IPAddress", SIX)]
    return found[0], found[1]


def altered(facts: Facts, spec: ContainerSpec) -> tuple[str, ...]:
    """What was changed by hand on a container that keeps running: the settings that `docker update` can change."""
    return tuple(name for name, value in facts.limits.items() if value != getattr(spec, name))
