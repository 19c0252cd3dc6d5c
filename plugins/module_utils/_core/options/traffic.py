# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of traffic: `health`, `drain`, `bake`, `routes`."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import urlsplit

from ..values.errors import InvalidOption
from ..values.grammar import HOST, PATH, PROBE_PATH, REFERENCE
from ..values.traffic import Bake, Drain, Gate, Route
from .checks import Params, Spec, plain_host, port_number, positive, unique

HEALTH: Spec = {
    # Without a default: Ansible would fill one and the same dictionary for every element of a list.
    "health": {
        "type": "dict",
        "options": {
            "type": {"type": "str", "choices": ["http", "tcp", "command", "image", "window"]},
            "path": {"type": "str"},
            "port": {"type": "int"},
            "codes": {"type": "list", "elements": "str"},
            "host": {"type": "str"},
            "command": {"type": "list", "elements": "str"},
            "timeout": {"type": "float", "default": 2.0},
            "deadline": {"type": "float", "default": 60.0},
            "successes": {"type": "int", "default": 1},
            "window": {"type": "float", "default": 3.0},
        },
    },
    "drain": {
        "type": "dict",
        "options": {
            "timeout": {"type": "float", "default": 30.0},
            "upgraded_timeout": {"type": "float"},
        },
    },
    "bake": {
        "type": "dict",
        "options": {
            "seconds": {"type": "float", "required": True},
            "error_ratio": {"type": "float"},
            "requests": {"type": "int", "default": 20},
        },
    },
}

ROUTES: Spec = {
    "routes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str"},
            "hosts": {"type": "list", "elements": "str"},
            "path_prefix": {"type": "str", "default": "/"},
            "strip_prefix": {"type": "bool", "default": False},
            "priority": {"type": "int"},
            "entry_points": {"type": "list", "elements": "str"},
            "tls": {"type": "bool"},
            "resolver": {"type": "str"},
            "redirect_to": {"type": "str"},
            "middlewares": {"type": "list", "elements": "str", "default": []},
        },
    },
}

_FIELDS_OF = {
    "http": {"path", "port", "codes", "host"},
    "tcp": {"port"},
    "command": {"command"},
    "image": set(),
    "window": set(),
}
_KIND_SPECIFIC = {"path", "port", "codes", "host", "command"}


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
