# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests a route is for, and which of several routes gets one: Traefik's rules and priorities. Pure.

Traefik v3. Left to itself, Traefik lets the rule with the longer text win, so that a
wildcard beats a live host, and a list of hosts another workload's path. Here what is more specific wins: an exact host
before a wildcard before any host, and of these the longer path.
"""

from __future__ import annotations

import re
import typing as t

from ..values.identity import Document
from ..values.traffic import Route

# Numbers by which Traefik orders routes; none is a rule's length, which a file without a number counts as.
_ANY, _WILDCARD, _EXACT = 10_000_000, 20_000_000, 30_000_000
_BEFORE_ALL, _MOST = 100_000_000, 1_000_000_000
# Priorities that are declared below it come after all routes that have none, those from it on before them.
AFTER_ALL = 50


class Rule(t.NamedTuple):
    """What one router says: the end of its name, its rule and its priority."""

    suffix: str
    text: str
    priority: int


def rules(route: Route) -> list[Rule]:
    """A rule for each kind of host among the route's, as each has a priority of its own."""
    kinds: dict[int, list[str]] = {}
    for host in route.hosts:
        kinds.setdefault(_kind(host), []).append(host)
    return [
        Rule("-wildcard" if kind == _WILDCARD and len(kinds) > 1 else "", text(hosts, route.path_prefix), number)
        for kind, hosts in sorted(kinds.items(), reverse=True)
        for number in [kind + len(route.path_prefix) if route.priority is None else _declared(route.priority)]
    ]


def _kind(host: str) -> int:
    return _ANY if host == "*" else _WILDCARD if host.startswith("*.") else _EXACT


def _declared(priority: int) -> int:
    """The number of a priority that a user gave."""
    return priority if priority < AFTER_ALL else _BEFORE_ALL + min(priority, _MOST)


def text(hosts: t.Sequence[str], path: str) -> str:
    """Traefik v3's rule; hosts and path passed the name grammar, so nothing in them can end the quoting."""
    named = [_host(host) for host in hosts if host != "*"]
    parts = [f"({' || '.join(named)})" if len(named) > 1 else named[0]] if named else []
    if path != "/":
        parts.append(f"(Path(`{path}`) || PathPrefix(`{path}/`))")  # `/api` is not the beginning of `/apikeys`
    return " && ".join(parts) or "PathPrefix(`/`)"


def _host(host: str) -> str:
    if host.startswith("*."):
        # Unlike Host, it does not see past the dot that a full name may end with.
        return f"HostRegexp(`^[a-z0-9-]+\\.{re.escape(host[2:])}\\.?$`)"
    return f"Host(`{host}`)"


def outdated(doc: Document) -> bool:
    """True for a document of an earlier version, which left the order of its routes to Traefik."""
    routers = doc.get("http", {}).get("routers", {})
    return any(AFTER_ALL <= router.get("priority", AFTER_ALL) < _ANY for router in routers.values())


def ordered(doc: Document) -> dict[str, t.Any]:
    """A document of an earlier version with priorities, and otherwise as it is: its record is not at hand."""
    routers = {name: {**router, "priority": _guessed(router)} for name, router in doc["http"]["routers"].items()}
    return {**doc, "http": {**doc["http"], "routers": routers}}


def _guessed(router: Document) -> int:
    if "priority" in router:
        return _declared(router["priority"]) if router["priority"] < _ANY else int(router["priority"])
    rule = router["rule"]
    path = re.search(r"PathPrefix\(`([^`]*)`\)", rule)
    # One that has both kinds of host counts as the lower: it takes nobody's requests, and its own next run parts it.
    kind = _WILDCARD if "HostRegexp(" in rule else _EXACT if "Host(" in rule else _ANY
    return kind + len(path[1].rstrip("/") or "/" if path else "/")
