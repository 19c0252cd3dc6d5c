# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Compose project as values: what is declared, and what Compose makes of it. Pure."""

from __future__ import annotations

import copy
import typing as t
from dataclasses import replace

from ..values.errors import InvalidOption
from ..values.identity import Document, canonical
from ..values.stack import Definition, Service, Stack
from .compose_conflicts import refuse_conflicts

NETWORK_KEY = "tidegate_platform"

# What a part of a host name may have, and the number of a container that lives long.
_LABEL, _LAST_NUMBER = 63, 9999


Sign = t.Callable[[str], str]
"""A keyed hash of a text: what is shown of it tells a change, and nothing of the secrets in it."""


def definition(
    stack: Stack, identity: str, model: Document, owner: t.Mapping[str, str], sign: Sign, outside: t.Sequence[str] = ()
) -> Definition:
    """The file that Compose is run with: the given one, with labels of whose it is and with the routed network.

    :param model: what `docker compose config` says of the given file.
    :param outside: files beyond the source whose content it has.
    :raises InvalidOption: something that cannot be carried out.
    """
    final = copy.deepcopy(dict(model))
    found: dict[str, dict[str, t.Any]] = final.get("services") or {}
    if not found:
        raise InvalidOption("compose", stack.file, "has no services", "Declare one.")
    refuse_conflicts(found)
    for exposed in stack.exposed:
        if exposed.service not in found:
            known = ", ".join(sorted(found))
            raise InvalidOption("compose.services.name", exposed.service, "is no service", f"Choose one of {known}.")
        _refuse_nameless(stack.project, exposed.service, found[exposed.service])
        _connect(final, found[exposed.service], stack.network)
    used, variables = _contents(final, stack)
    prints = {name: sign(canonical([facts, _used(facts, used)])) for name, facts in found.items()}
    for kind in ("volumes", "networks"):
        for entry in (final.get(kind) or {}).values():
            if isinstance(entry, dict) and not entry.get("external"):
                entry["labels"] = {**(entry.get("labels") or {}), **owner}
    waited = _waited_for(found)
    writing = {name for name in found if any(not other or _writes(found[other]) for other in _written(name, found))}
    services = tuple(_service(name, found[name], waited, prints[name], writing) for name in _in_order(found))
    _refuse_none_routed(stack, services)
    for service in services:
        own = {**owner, "tidegate.fingerprint": service.fingerprint}
        found[service.name]["labels"] = {**(found[service.name].get("labels") or {}), **own}
    return Definition(identity, final, services, tuple(sorted(variables.items())), tuple(sorted(outside)))


def with_images(found: Definition, volumes: t.Mapping[str, t.Sequence[str]]) -> Definition:
    """The same, with services in place that write where only their image declares a volume, which goes with them.

    :param volumes: paths of the volumes that images declare, by reference.
    """
    return replace(found, services=tuple(_kept_in_place(service, found.model, volumes) for service in found.services))


def pinned(found: Definition, ids: t.Mapping[str, str]) -> Definition:
    """The same, with the images that its services run by.

    :param ids: ids by reference; what is missing runs by its name.
    """
    return replace(found, services=tuple(replace(s, image_id=ids.get(s.image, "")) for s in found.services))


def by_id(model: Document, services: t.Mapping[str, str]) -> Document:
    """The model with some services that run an image that their name does not mean any more."""
    found = {
        name: {**facts, "image": services.get(name) or facts["image"]} for name, facts in model["services"].items()
    }
    return {**model, "services": found}


def _kept_in_place(service: Service, model: Document, volumes: t.Mapping[str, t.Sequence[str]]) -> Service:
    found = model["services"]
    others = [found[name] for name in _written(service.name, found) if name]
    return replace(service, in_place=service.in_place or any(_of_image(facts, volumes) for facts in others))


def _of_image(facts: Document, volumes: t.Mapping[str, t.Sequence[str]]) -> bool:
    """Whether a service writes where only its image declares a volume."""
    covered = {str(mount.get("target")).rstrip("/") for mount in facts.get("volumes") or ()}
    covered |= {str(mount).partition(":")[0].rstrip("/") for mount in facts.get("tmpfs") or ()}
    return any(path.rstrip("/") not in covered for path in volumes.get(facts["image"], ()))


def _contents(final: Document, stack: Stack) -> tuple[dict[str, dict[str, t.Any]], dict[str, str]]:
    """What services use by name, by kind and name, as of now; and the variables that some of it is the content of."""
    given, variables = stack.variables, {}
    found: dict[str, dict[str, t.Any]] = {"networks": copy.deepcopy(dict(final.get("networks") or {}))}
    for kind in ("configs", "secrets"):
        found[kind] = copy.deepcopy(dict(final.get(kind) or {}))
        for name, entry in found[kind].items():
            variable = entry.get("environment")
            if variable and variable not in given:
                remedy = "Declare it in compose.env or compose.secrets."
                raise InvalidOption(
                    "compose", f"{kind}.{name}", f"is the variable {variable}, which is not set", remedy
                )
            if variable:
                entry["content"] = variables[variable] = given[variable]
    return found, variables


def _used(facts: Document, contents: t.Mapping[str, Document]) -> dict[str, dict[str, t.Any]]:
    """What a service uses of these."""
    used: dict[str, t.Iterable[str]] = {"networks": facts.get("networks") or ()}
    for kind in ("configs", "secrets"):
        used[kind] = [str(row["source"]) for row in facts.get(kind) or ()]
    return {kind: {name: contents[kind].get(name) for name in names} for kind, names in used.items()}


def _refuse_nameless(project: str, service: str, facts: Document) -> None:
    """Refuse containers that the gate finds by their address, and the proxy not by their name (RFC 1035, 2.3.4)."""
    name = facts.get("container_name") or f"{project}-{service}-{_LAST_NUMBER}"
    if max(map(len, name.split("."))) > _LABEL:
        cause = f"makes containers with names such as {name}, of more than {_LABEL} characters, which do not resolve"
        raise InvalidOption("compose.services.name", service, cause, "Shorten compose.project, or the service's name.")


def _refuse_none_routed(stack: Stack, services: t.Iterable[Service]) -> None:
    """Refuse routes to a service that is declared to have no container."""
    routed = {exposed.service for exposed in stack.exposed}
    for service in services:
        if service.name in routed and not service.replicas:
            remedy = "Give it a container, or leave its routes out."
            raise InvalidOption("compose.services.name", service.name, "is routed, but has no replicas", remedy)


def _connect(final: dict[str, t.Any], service: dict[str, t.Any], network: str) -> None:
    if service.get("network_mode"):
        mode = service["network_mode"]
        raise InvalidOption("compose", mode, "as network_mode cannot be routed", "Remove network_mode.")
    service["networks"] = {**(service.get("networks") or {"default": None}), NETWORK_KEY: None}
    final["networks"] = {**(final.get("networks") or {}), NETWORK_KEY: {"name": network, "external": True}}


def _writes(facts: Document) -> bool:
    mounts = facts.get("volumes") or ()
    return any(m.get("type") in ("volume", "bind", "cluster") and not m.get("read_only") for m in mounts)


def _written(name: str, found: t.Mapping[str, Document]) -> set[str]:
    """Services whose mounts a service may write to: its own, and what it takes by volumes_from; "" is a stranger."""
    names, ahead = {name}, [name]
    while ahead:
        for row in found[ahead.pop()].get("volumes_from") or ():
            first, _colon, rest = str(row).partition(":")
            mode = rest.partition(":")[2] if first == "container" else rest
            other = first if first in found else ""
            if "ro" not in mode.split(",") and other not in names:
                names.add(other)
                ahead += [other] if other else []
    return names


def _service(
    name: str, facts: Document, waited: t.Container[str], fingerprint: str, writing: t.Container[str]
) -> Service:
    where = f"services.{name}"
    if facts.get("build"):
        remedy = "Name an image; build it before, or as a workload of type dockerfile."
        raise InvalidOption("compose", f"{where}.build", "is not carried out here", remedy)
    if not facts.get("image"):
        raise InvalidOption("compose", f"{where}.image", "is missing", "Name an image.")
    published = any(port.get("published") for port in facts.get("ports") or ())
    deploy = facts.get("deploy") or {}
    return Service(
        name=name,
        fingerprint=fingerprint,
        image=facts["image"],
        replicas=next(int(count) for count in (facts.get("scale"), deploy.get("replicas"), 1) if count is not None),
        in_place=bool(name in writing or published or facts.get("container_name") or facts.get("network_mode")),
        completes=name in waited,
        after=tuple(sorted(facts.get("depends_on") or ())),
    )


def _waited_for(found: t.Mapping[str, Document]) -> set[str]:
    return {
        name
        for facts in found.values()
        for name, how in (facts.get("depends_on") or {}).items()
        if how.get("condition") == "service_completed_successfully"
    }


def _in_order(found: t.Mapping[str, Document]) -> list[str]:
    """Services after those that they depend on, else by name; Compose has refused cycles."""
    order: list[str] = []

    def add(name: str) -> None:
        for needed in sorted(found[name].get("depends_on") or ()):
            if needed in found and needed not in order:
                add(needed)
        if name not in order:
            order.append(name)

    for name in sorted(found):
        add(name)
    return order
