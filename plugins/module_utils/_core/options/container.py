# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of the options that say what one container is."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..values import grammar
from ..values.errors import InvalidOption
from ..values.workload import ContainerSpec, Secret
from . import checks
from .checks import Params, positive, unique

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
        grammar.NETWORK.check("networks", network)
        if network in ("host", "none"):
            raise InvalidOption("networks", network, "is not a network of containers", "Name a bridge network.")
    unique("networks", params["networks"])
    _check_addresses(params)
    for alias in params["aliases"]:
        grammar.WORKLOAD.check("aliases", alias)
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
        mounts=checks.mounts(params),
        tmpfs=tuple(grammar.ABSOLUTE.check("tmpfs", path) for path in params["tmpfs"]),
        networks=tuple(params["networks"]),
        aliases=tuple(params["aliases"]),
        addresses=tuple(sorted((network, str(address)) for network, address in params["addresses"].items())),
        ports=checks.ports(params),
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
        Secret(grammar.SECRET.check("secrets.name", s["name"]), s["value"], s["delivery"], version_of(s["value"]))
        for s in params["secrets"]
    )
    unique("secrets.name", (s.name for s in parsed))
    for secret in parsed:
        if secret.delivery == "environment":
            grammar.ENV_KEY.check("secrets.name", secret.name)
        if secret.delivery == "environment" and secret.name in params["env"]:
            raise InvalidOption("secrets.name", secret.name, "is also in env", "Keep it in secrets only.")
        if not secret.value:
            raise InvalidOption("secrets.value", "", f"of {secret.name} is empty", "Give the value, or remove it.")
    return parsed


def _env(params: Params, secrets: tuple[Secret, ...]) -> tuple[tuple[str, str], ...]:
    known = {s.value: s.name for s in secrets}
    pairs = []
    for key, value in params["env"].items():
        text = checks.scalar(f"env.{grammar.ENV_KEY.check('env', str(key))}", value)
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


def is_root(user: str) -> bool:
    """True for an image's or option's user that is uid 0."""
    name = user.partition(":")[0]
    return name in ("", "root") or (name.isdigit() and int(name) == 0)


def _bytes(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    size = checks.size(option, text)
    if size < 6 * 2**20:  # the engine's own minimum
        raise InvalidOption(option, text, "is below the engine's minimum of 6m", "Raise it.")
    return size
