# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's specification in the words of the Docker SDK's low-level client. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ..values.container import ContainerSpec

SECRETS_TARGET = "/run/secrets"


class ContainerExtra(t.NamedTuple):
    """What a container gets beyond its specification."""

    labels: t.Dict[str, str]
    env: t.Dict[str, str]
    secrets_dir: str = ""
    command: t.Optional[t.Tuple[str, ...]] = None
    one_off: bool = False
    known_in: t.Optional[t.Tuple[str, ...]] = None  # networks in which it has its aliases; None: in all


def container_options(spec: ContainerSpec, extra: ContainerExtra) -> dict[str, t.Any]:
    """Arguments of `create_container` that say what runs."""
    return {
        "command": _given(extra.command if extra.command is not None else spec.command),
        "entrypoint": _given(spec.entrypoint),
        "environment": {**dict(spec.env), **extra.env},
        "user": spec.user,
        "working_dir": spec.working_dir,
        "labels": {**dict(spec.labels), **extra.labels},
        "stop_signal": spec.stop_signal,
        "stop_timeout": spec.stop_timeout,
        "ports": [(port.container, port.protocol) for port in spec.ports] or None,
    }


def host_options(spec: ContainerSpec, extra: ContainerExtra) -> dict[str, t.Any]:
    """Arguments of `create_host_config`: what the container shares with the host, and what it may not."""
    return {
        "binds": _binds(spec, extra),
        "port_bindings": None if extra.one_off else _published(spec) or None,
        "tmpfs": dict.fromkeys(spec.tmpfs, "") or None,
        "network_mode": spec.networks[0] if spec.networks else "none",
        "mem_limit": spec.memory,
        "nano_cpus": round(spec.cpus * 10**9) if spec.cpus else None,
        "pids_limit": spec.pids,
        "read_only": spec.read_only or None,
        "init": spec.init or None,
        "cap_add": list(spec.cap_add) or None,
        "cap_drop": list(spec.cap_drop) or None,
        "security_opt": ["no-new-privileges:true"] if spec.no_new_privileges else None,
        "restart_policy": {"Name": "no" if extra.one_off else spec.restart_policy},
        "log_config": _logs(spec),
    }


def network_options(address: str) -> dict[str, t.Any]:
    """Arguments of `create_network` for a network in which a container is to have this address.

    Those without one, such as its stand-in, get theirs from the first part of the subnet that it is not in;
    the engine cannot count as far as the upper half of one of IPv6.
    """
    six = ":" in address
    subnet = ipaddress.ip_network(f"{address}/{64 if six else 24}", strict=False)
    parts = subnet.subnets(new_prefix=80 if six else 25)
    others = next(part for part in parts if ipaddress.ip_address(address) not in part)
    config = {"Subnet": str(subnet), "IPRange": str(others)}
    return {"ipam": {"Driver": "default", "Config": [config]}, "enable_ipv6": six}


def address_options(spec: ContainerSpec, network: str) -> dict[str, str]:
    """Arguments of an endpoint that say which address the container has in a network; none lets the engine choose."""
    found = dict(spec.addresses).get(network)
    return {("ipv6_address" if ":" in found else "ipv4_address"): found} if found else {}


def _binds(spec: ContainerSpec, extra: ContainerExtra) -> list[str]:
    binds = [f"{m.source}:{m.target}:{'ro' if m.read_only else 'rw'}" for m in spec.mounts]
    return [*binds, f"{extra.secrets_dir}:{SECRETS_TARGET}:ro"] if extra.secrets_dir else binds


def _published(spec: ContainerSpec) -> dict[str, list[tuple[str, int]]]:
    published: dict[str, list[tuple[str, int]]] = {}
    for port in spec.ports:
        published.setdefault(f"{port.container}/{port.protocol}", []).append((port.address, port.host))
    return published


def _logs(spec: ContainerSpec) -> dict[str, t.Any] | None:
    if not (spec.log_driver or spec.log_options):
        return None
    return {"Type": spec.log_driver or "json-file", "Config": dict(spec.log_options)}


def _given(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)
