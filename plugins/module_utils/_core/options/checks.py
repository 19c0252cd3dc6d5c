# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of the options that have parts: volumes, ports, health, drain, routes."""

from __future__ import annotations

import ipaddress
import posixpath
import re
import typing as t
from urllib.parse import urlsplit

from ..values.errors import InvalidOption
from ..values.grammar import ABSOLUTE, HOST, PATH, PROBE_PATH, REFERENCE, VOLUME
from ..values.workload import Bake, Drain, Gate, Mount, Port, Route

Params = t.Mapping[str, t.Any]

SECRETS_DIR = "/run/secrets"
LAST_PORT = 65535
_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_FIELDS_OF = {
    "http": {"path", "port", "codes", "host"},
    "tcp": {"port"},
    "command": {"command"},
    "image": set(),
    "window": set(),
}
_KIND_SPECIFIC = {"path", "port", "codes", "host", "command"}


def positive(option: str, value: t.Any, least: float = 0.0, strict: bool = True) -> None:
    """Refuse numbers below `least` (or equal to it, when strict).

    :raises InvalidOption: names the option and the bound.
    """
    if value is not None and (value < least or (strict and value == least)):
        raise InvalidOption(option, value, f"is not {'above' if strict else 'at least'} {least:g}", "Raise it.")


def port_number(option: str, value: int | None) -> int | None:
    """A TCP or UDP port, or None."""
    if value is not None and not 1 <= value <= LAST_PORT:
        raise InvalidOption(option, value, "is not a port number", "Use 1 to 65535.")
    return value


def unique(option: str, values: t.Iterable[str]) -> None:
    """Refuse a value that is given twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise InvalidOption(option, value, "is given twice", "Remove one of them.")
        seen.add(value)


def inside(option: str, path: str) -> str:
    """A relative path in its plainest form, `./src` as `src` (AW-T20, DP-T16).

    :raises InvalidOption: it is absolute, or leads out.
    """
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "\x00" in path or "\\" in path:
        raise InvalidOption(option, path, "leads out of the source", "Use a path below it, without '..'.")
    return posixpath.normpath(path or ".")


def scalar(option: str, value: t.Any) -> str:
    """Text of a string or number; a boolean is refused, because YAML's yes and no hide what was meant."""
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidOption(option, value, "holds a zero byte", "Remove it.")
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise InvalidOption(option, value, "is not a string or a number", "Put it in quotes.")


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


def gate(params: Params) -> Gate:
    """`health`, checked; also used on a release's snapshot."""
    given = params["health"] or {}
    kind = given.get("type") or ("http" if given.get("path") else "command" if given.get("command") else "auto")
    for name in sorted(_KIND_SPECIFIC - _FIELDS_OF.get(kind, _KIND_SPECIFIC)):
        if given.get(name) is not None:
            raise InvalidOption(f"health.{name}", given[name], f"means nothing for type={kind}", "Remove one of them.")
    if kind == "command" and not given.get("command"):
        raise InvalidOption("health.command", None, "is missing for type=command", "Give the command as a list.")
    probe = Gate(
        kind=kind,
        path=PROBE_PATH.check("health.path", given.get("path") or "/"),
        port=port_number("health.port", given.get("port")) or params["port"],
        codes=tuple(_codes(code) for code in given.get("codes") or ["200-399"]),
        host=given.get("host") and HOST.check("health.host", given["host"]),
        command=tuple(given.get("command") or ()),
        routed=params["port"] if any(r["redirect_to"] is None for r in params.get("routes") or ()) else None,
        **{name: given[name] for name in ("timeout", "deadline", "successes", "window") if given.get(name) is not None},
    )
    for name in ("timeout", "deadline", "successes", "window"):
        positive(f"health.{name}", getattr(probe, name))
    if kind in ("http", "tcp") and probe.port is None:
        raise InvalidOption("health.type", kind, "needs a port", "Set port, or health.port.")
    if kind in ("auto", "window") and probe.window >= probe.deadline:
        raise InvalidOption("health.window", probe.window, "is not below health.deadline", "Raise health.deadline.")
    return probe


def _codes(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-5]\d\d)(?:-([1-5]\d\d))?", text)
    if not match or int(match[2] or match[1]) < int(match[1]):
        raise InvalidOption("health.codes", text, "is not a status code or a range", "Write 200 or 200-399.")
    return int(match[1]), int(match[2] or match[1])


def drain(params: Params) -> Drain:
    """`drain`, checked; also used on a release's snapshot."""
    given = params["drain"] or {}
    timeout = float(given.get("timeout", Drain.timeout))
    upgraded = given.get("upgraded_timeout")
    upgraded = timeout if upgraded is None else float(upgraded)
    positive("drain.timeout", timeout, strict=False)
    if upgraded < timeout:
        raise InvalidOption(
            "drain.upgraded_timeout", upgraded, "is below drain.timeout", "Both count from the switch; raise it."
        )
    return Drain(timeout, upgraded)


def bake(params: Params) -> Bake | None:
    """`bake`, checked; None without one."""
    given = params.get("bake")
    if not given:
        return None
    positive("bake.seconds", given["seconds"], strict=False)
    positive("bake.requests", given["requests"])
    ratio = given["error_ratio"]
    if ratio is not None and not 0 < ratio <= 1:
        raise InvalidOption("bake.error_ratio", ratio, "is not a share", "Use a number above 0, at most 1.")
    if ratio is not None and not params["routes"]:
        raise InvalidOption("bake.error_ratio", ratio, "has no routes to be counted on", "Remove it, or set routes.")
    return Bake(given["seconds"], ratio, given["requests"]) if given["seconds"] else None


def size(option: str, text: str) -> int:
    """Bytes of a text such as 512m.

    :raises InvalidOption: it is not a size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", text.lower())
    if not match:
        raise InvalidOption(option, text, "is not a size", "Write it as 512m or 2g.")
    return int(float(match[1]) * _UNITS[match[2]])


def routes(params: Params) -> tuple[Route, ...]:
    """`routes`, checked."""
    parsed = tuple(_route(route) for route in params["routes"])
    unique("routes", (claim for route in parsed for claim in route.claims()))
    if params["port"] is None and any(route.redirect_to is None for route in parsed):
        raise InvalidOption("routes", parsed[0].hosts[0], "has no port to go to", "Set port to the application's port.")
    return parsed


def _route(route: Params) -> Route:
    tls = bool(route["tls"] or route["resolver"])
    if route["tls"] is False and route["resolver"]:
        raise InvalidOption("routes.resolver", route["resolver"], "contradicts tls=false", "Remove one of them.")
    references = {name: tuple(route[name] or ()) for name in ("entry_points", "middlewares")}
    references["resolver"] = (route["resolver"],) if route["resolver"] else ()
    for option, names in references.items():
        for name in names:
            REFERENCE.check(f"routes.{option}", name)
    # In its plainest form, so that what claims the same is seen to do so: `/api/` is `/api`.
    prefix = "/" + posixpath.normpath(PATH.check("routes.path_prefix", route["path_prefix"])).lstrip("/")
    if route["strip_prefix"] and prefix == "/":
        raise InvalidOption("routes.strip_prefix", True, "has no prefix to strip", "Set path_prefix.")
    positive("routes.priority", route["priority"])
    return Route(
        hosts=_hosts(route),
        path_prefix=prefix,
        strip_prefix=route["strip_prefix"],
        priority=route["priority"],
        entry_points=references["entry_points"] or (("websecure",) if tls else ("web",)),
        tls=tls,
        resolver=route["resolver"],
        redirect_to=_redirect(route),
        middlewares=references["middlewares"],
    )


def _hosts(route: Params) -> tuple[str, ...]:
    given = tuple(route["hosts"] or ()) + ((route["host"],) if route["host"] else ())
    if not given:
        raise InvalidOption("routes.host", None, "is missing", "Set host or hosts; * stands for any host.")
    hosts = tuple(HOST.check("routes.host", plain_host(host)) for host in given)
    if "*" in hosts and len(hosts) > 1:
        raise InvalidOption("routes.hosts", list(hosts), "mixes * with other hosts", "* already is every host.")
    return hosts


def plain_host(host: str) -> str:
    """A host name as Traefik compares it: in lower case, without the dot that a full name may end with."""
    return host.lower().removesuffix(".")


def _redirect(route: Params) -> str | None:
    target: str | None = route["redirect_to"]
    if target is None:
        return None
    url = urlsplit(target)
    # `$` would be an expansion in Traefik's replacement, `{{` a template in its file, which would keep it from reading
    # anybody's; a blank or quote never is part of a URL.
    if url.scheme not in ("http", "https") or not url.hostname or re.search(r"[\s$\"'`\\]|\{\{", target):
        raise InvalidOption(
            "routes.redirect_to", target, "is not an http or https URL", "Write https://host or …/path."
        )
    if route["strip_prefix"]:
        raise InvalidOption("routes.strip_prefix", True, "means nothing for a redirect", "Remove one of them.")
    return target.rstrip("/")
