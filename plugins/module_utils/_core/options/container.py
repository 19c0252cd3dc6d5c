# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of the options that say what one container is."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..values.container import ContainerSpec, Mount, Port, Secret, is_root
from ..values.errors import InvalidOption
from ..values.grammar import ABSOLUTE, ENV_KEY, NETWORK, SECRET, VOLUME, WORKLOAD
from . import checks
from .checks import DEFAULT_NETWORK, Params, Spec, port_number, positive, unique

LABEL_PREFIX = "tidegate."


def container(params: Params, secrets: tuple[Secret, ...]) -> ContainerSpec:
    """The container's specification, checked.

    :raises InvalidOption: names option, value and remedy.
    """
    positive("replicas", params["replicas"])
    positive("stop_timeout", params["stop_timeout"], strict=False)
    positive("cpus", params["cpus"])
    positive("pids", params["pids"])
    for network in params["networks"]:
        NETWORK.check("networks", network)
        if network in ("host", "none"):
            raise InvalidOption("networks", network, "is not a network of containers", "Name a bridge network.")
    unique("networks", params["networks"])
    _check_addresses(params)
    for alias in params["aliases"]:
        WORKLOAD.check("aliases", alias)
    if params["aliases"] and not params["networks"]:
        raise InvalidOption("aliases", params["aliases"], "need a network", "Set networks.")
    if params["stop_signal"] and not re.fullmatch(r"SIG[A-Z0-9+-]+", params["stop_signal"]):
        raise InvalidOption("stop_signal", params["stop_signal"], "is not a signal", "Write it as SIGTERM or SIGQUIT.")
    return ContainerSpec(
        image=params["image"] or "",
        env=_env(params, secrets),
        secrets=tuple(sorted((s.name, s.delivery, s.version) for s in secrets)),
        command=_words(params["command"]),
        entrypoint=_words(params["entrypoint"]),
        mounts=mounts(params),
        tmpfs=tuple(ABSOLUTE.check("tmpfs", path) for path in params["tmpfs"]),
        networks=tuple(params["networks"]),
        aliases=tuple(params["aliases"]),
        addresses=tuple(sorted((network, str(address)) for network, address in params["addresses"].items())),
        ports=ports(params),
        port=checks.port_number("port", params["port"]),
        memory=_bytes("memory", params["memory"]),
        cap_add=_capabilities("cap_add", params),
        cap_drop=_capabilities("cap_drop", params),
        user=_user(params),
        labels=_labels(params),
        log_options=tuple(sorted((k, checks.scalar(f"log_options.{k}", v)) for k, v in params["log_options"].items())),
        **{name: params[name] for name in _PLAIN},
    )


_PLAIN = (
    "replicas",
    "working_dir",
    "cpus",
    "pids",
    "read_only",
    "init",
    "no_new_privileges",
    "allow_root",
    "restart_policy",
    "log_driver",
    "stop_timeout",
    "stop_signal",
)


def _check_addresses(params: Params) -> None:
    for network, address in params["addresses"].items():
        if network not in params["networks"]:
            raise InvalidOption("addresses", network, "is not one of networks", "Add it there.")
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise InvalidOption("addresses", address, "is not an IP address", "Write it as 10.0.0.2.") from error


def _words(value: list[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


def secrets_of(params: Params, version_of: t.Callable[[str], str]) -> tuple[Secret, ...]:
    """`secrets`, checked, each with its keyed hash."""
    parsed = tuple(
        Secret(SECRET.check("secrets.name", s["name"]), s["value"], s["delivery"], version_of(s["value"]))
        for s in params["secrets"]
    )
    unique("secrets.name", (s.name for s in parsed))
    for secret in parsed:
        if secret.delivery == "environment":
            ENV_KEY.check("secrets.name", secret.name)
        if secret.delivery == "environment" and secret.name in params["env"]:
            raise InvalidOption("secrets.name", secret.name, "is also in env", "Keep it in secrets only.")
        if not secret.value:
            raise InvalidOption("secrets.value", "", f"of {secret.name} is empty", "Give the value, or remove it.")
    return parsed


def _env(params: Params, secrets: tuple[Secret, ...]) -> tuple[tuple[str, str], ...]:
    known = {s.value: s.name for s in secrets}
    pairs = []
    for key, value in params["env"].items():
        text = checks.scalar(f"env.{ENV_KEY.check('env', str(key))}", value)
        if text in known:
            raise InvalidOption(f"env.{key}", "***", f"repeats the secret {known[text]}", "Deliver it in secrets only.")
        pairs.append((str(key), text))
    return tuple(sorted(pairs))


def _labels(params: Params) -> tuple[tuple[str, str], ...]:
    for key in params["labels"]:
        if str(key).startswith(LABEL_PREFIX):
            raise InvalidOption("labels", key, f"starts with {LABEL_PREFIX}", "That prefix is the platform's own.")
    return _scalars("labels", params)


def _scalars(option: str, params: Params) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(k), checks.scalar(f"{option}.{k}", v)) for k, v in params[option].items()))


def _capabilities(option: str, params: Params) -> tuple[str, ...]:
    for name in params[option]:
        if not re.fullmatch(r"[A-Z][A-Z_]+", name):
            raise InvalidOption(option, name, "is not a capability", "Write it as NET_BIND_SERVICE, or ALL.")
    return tuple(params[option])


def _user(params: Params) -> str | None:
    user: str | None = params["user"]
    if user is None:
        return None
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?", user):
        raise InvalidOption("user", user, "is not a user", "Write a name or number, with :group if needed.")
    if is_root(user) and not params["allow_root"]:
        raise InvalidOption("user", user, "is root", "Choose another user, or set allow_root to true.")
    return user


def _bytes(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    size = checks.size(option, text)
    if size < 6 * 2**20:  # the engine's own minimum
        raise InvalidOption(option, text, "is below the engine's minimum of 6m", "Raise it.")
    return size


CONTAINER: Spec = {
    "port": {"type": "int"},
    "replicas": {"type": "int", "default": 1},
    "command": {"type": "list", "elements": "str"},
    "entrypoint": {"type": "list", "elements": "str"},
    "env": {"type": "dict", "default": {}},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "value": {"type": "str", "required": True, "no_log": True},
            "delivery": {"type": "str", "choices": ["file", "environment"], "default": "file"},
        },
    },
    "user": {"type": "str"},
    "working_dir": {"type": "path"},
    "volumes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "source": {"type": "str", "required": True},
            "target": {"type": "str", "required": True},
            "read_only": {"type": "bool", "default": False},
            "shared": {"type": "bool", "default": False},
            "one_writer": {"type": "bool", "default": False},
            "engine": {"type": "bool", "default": False},
        },
    },
    "image_volumes": {"type": "str", "choices": ["keep", "discard"]},
    "tmpfs": {"type": "list", "elements": "str", "default": []},
    "networks": {"type": "list", "elements": "str", "default": [DEFAULT_NETWORK]},
    "addresses": {"type": "dict", "default": {}},
    "aliases": {"type": "list", "elements": "str", "default": []},
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "container": {"type": "int", "required": True},
            "host": {"type": "int", "required": True},
            "address": {"type": "str", "default": "127.0.0.1"},
            "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
        },
    },
    "memory": {"type": "str"},
    "cpus": {"type": "float"},
    "pids": {"type": "int"},
    "read_only": {"type": "bool", "default": False},
    "init": {"type": "bool", "default": False},
    "cap_add": {"type": "list", "elements": "str", "default": []},
    "cap_drop": {"type": "list", "elements": "str", "default": ["ALL"]},
    "no_new_privileges": {"type": "bool", "default": True},
    "allow_root": {"type": "bool", "default": False},
    "restart_policy": {
        "type": "str",
        "choices": ["no", "on-failure", "unless-stopped", "always"],
        "default": "unless-stopped",
    },
    "labels": {"type": "dict", "default": {}},
    "log_driver": {"type": "str"},
    "log_options": {"type": "dict", "default": {}},
    "stop_timeout": {"type": "int"},
    "stop_signal": {"type": "str"},
    "release_command": {"type": "list", "elements": "str"},
    "release_command_timeout": {"type": "float", "default": 300.0},
    "release_command_once": {"type": "bool", "default": False},
}


SECRETS_DIR = "/run/secrets"


def mounts(params: Params) -> tuple[Mount, ...]:
    """`volumes`, checked."""
    unique("volumes.target", (v["target"] for v in params["volumes"]))
    return tuple(_mount(volume) for volume in params["volumes"])


def _mount(volume: Params) -> Mount:
    source, target = volume["source"], volume["target"]
    grammar = ABSOLUTE if source.startswith("/") else VOLUME
    grammar.check("volumes.source", source)
    ABSOLUTE.check("volumes.target", target)
    if target.rstrip("/") in ("", SECRETS_DIR):
        raise InvalidOption("volumes.target", target, "is used by the platform", "Mount it somewhere else.")
    if volume["read_only"] and volume["shared"]:
        raise InvalidOption(
            "volumes.shared", True, "contradicts read_only=true", "A read-only volume is always shared."
        )
    one_writer = bool(volume.get("one_writer"))  # releases of earlier versions do not know it
    if one_writer and (volume["read_only"] or volume["shared"]):
        other = "read_only" if volume["read_only"] else "shared"
        raise InvalidOption("volumes.one_writer", True, f"contradicts {other}=true", "Remove one of them.")
    return Mount(source, target, volume["read_only"], volume["shared"], one_writer)


def ports(params: Params) -> tuple[Port, ...]:
    """`ports`, checked."""
    parsed = []
    for port in params["ports"]:
        port_number("ports.container", port["container"])
        port_number("ports.host", port["host"])
        try:
            ipaddress.ip_address(port["address"])
        except ValueError as error:
            raise InvalidOption(
                "ports.address", port["address"], "is not an IP address", "Use 0.0.0.0 for all."
            ) from error
        parsed.append(Port(port["container"], port["host"], port["address"], port["protocol"]))
    unique("ports.host", (f"{p.address}:{p.host}/{p.protocol}" for p in parsed))
    return tuple(parsed)
