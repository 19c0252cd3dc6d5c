# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's routing documents: what a workload's routes look like to its file provider. Pure.

Traefik v3.
"""

from __future__ import annotations

import copy
import re
import typing as t
from urllib.parse import urlsplit

from ..values.identity import Document, key_of
from ..values.traffic import Gate, Route
from ..values.workload import Workload
from .rules import Rule, rules

# How long Traefik keeps an idle connection to a container. Its own 90 s would keep sockets to the old release open
# long after the last request; with half a second the number of open sockets soon is that of requests in flight, and
# a request that finds no idle connection pays one dial on a bridge, well under a millisecond.
IDLE_TIME = "500ms"
DIAL_TIME = "5s"
RETRY_AFTER = "5"
NOWHERE = "noop@internal"
CHECK_EACH = "5s"
_USUAL_CODES = ((200, 399),)  # what Traefik takes for healthy, unless it is told one status
# What a service's own parts of a document are called, by its key; `_part` names them.
_OWN = (
    ("routers", r"{}-\d+(?:-[a-z]+)?"),
    ("services", "{}"),
    ("serversTransports", "{}"),
    ("middlewares", r"{}-(?:hold|\d+-(?!hold$)[a-z]+)"),
)


class Part(t.NamedTuple):
    """Routes that go to one service: to these containers, at this port."""

    key: str
    routes: t.Sequence[Route]
    port: int | None
    targets: t.Sequence[str]
    gate: Gate


def document(workload: Workload, targets: tuple[str, ...]) -> dict[str, t.Any] | None:
    """The routing document that sends the workload's routes to these containers; None without routes."""
    key = key_of(workload.name, workload.environment)
    return whole([Part(key, workload.routes, workload.container.port, targets, workload.gate)])


def stack_document(workload: Workload, targets: t.Mapping[str, t.Sequence[str]]) -> dict[str, t.Any] | None:
    """The same for the routed services of a stack, each with containers of its own.

    :param targets: names of each service's containers.
    """
    exposed = workload.stack.exposed if workload.stack else ()
    return whole(
        Part(_service_key(workload, e.service), e.routes, e.port, targets.get(e.service, ()), e.gate) for e in exposed
    )


def whole(parts: t.Iterable[Part]) -> dict[str, t.Any] | None:
    """The routing document of some parts; None where none of them has routes."""
    kinds: dict[str, t.Any] = {}
    for part in parts:
        for kind, entries in _entries(part).items() if part.routes else ():
            kinds.setdefault(kind, {}).update(entries)
    return {"http": kinds} if kinds else None


def _entries(part: Part) -> dict[str, t.Any]:
    routers: dict[str, t.Any] = {}
    middlewares: dict[str, t.Any] = {}
    key = part.key
    for number, route in enumerate(part.routes):
        name = f"{key}-{number}"
        own = _middlewares(name, route)
        middlewares.update(own)
        for rule in rules(route):
            routers[name + rule.suffix] = _router(route, rule, key, [*route.middlewares, *own])
    found: dict[str, t.Any] = {"routers": routers}
    if any(route.redirect_to is None for route in part.routes):
        servers = [{"url": f"http://{target}:{part.port}"} for target in part.targets]
        balancer = {"servers": servers, "serversTransport": key, **_check(part)}
        found["services"] = {key: {"loadBalancer": balancer}}
        timeouts = {"dialTimeout": DIAL_TIME, "idleConnTimeout": IDLE_TIME}
        found["serversTransports"] = {key: {"forwardingTimeouts": timeouts}}
    if middlewares:
        found["middlewares"] = middlewares
    return found


def _check(part: Part) -> dict[str, t.Any]:
    """Traefik asks each of several containers what their gate asks, where it can: a sick one gets no requests."""
    gate = part.gate
    exactly = [low for low, high in gate.codes if low == high]
    usual = gate.codes == _USUAL_CODES
    if gate.kind != "http" or not part.targets[1:] or not (usual or len(exactly) == len(gate.codes) == 1):
        return {}
    check: dict[str, t.Any] = {"path": gate.path, "interval": CHECK_EACH, "timeout": f"{gate.timeout:g}s"}
    check.update({} if usual else {"status": exactly[0]}, followRedirects=False)
    check.update({"hostname": gate.host} if gate.host else {})
    check.update({"port": gate.port} if gate.port != part.port else {})
    return {"healthCheck": check}


def merged(
    before: Document, wanted: Document | None, workload: Workload, services: t.Iterable[str]
) -> dict[str, t.Any]:
    """The routes as they are, but those of some services of a stack as they shall be; without `wanted`, gone."""
    keys = [_service_key(workload, service) for service in services]
    own = {kind: re.compile("|".join(form.format(re.escape(key)) for key in keys) or "(?!)") for kind, form in _OWN}
    kinds: dict[str, t.Any] = {}
    for kind, pattern in own.items():
        entries = {k: v for k, v in before["http"].get(kind, {}).items() if not pattern.fullmatch(k)}
        shall = (wanted or {"http": {}})["http"].get(kind, {})
        entries.update({k: v for k, v in shall.items() if pattern.fullmatch(k)})
        if entries:
            kinds[kind] = entries
    return {"http": kinds}


def stack_without_servers(workload: Workload, routed: Document, services: t.Collection[str]) -> dict[str, t.Any]:
    """The routes of a stack with nobody behind these of its services."""
    return without_servers(routed, {_service_key(workload, service) for service in services})


def _service_key(workload: Workload, service: str) -> str:
    return f"{key_of(workload.name, workload.environment)}-{service}"


def without_servers(routed: Document, only: t.Collection[str] | None = None) -> dict[str, t.Any]:
    """The same routes with nobody behind them: 503 with Retry-After.

    :param only: keys of the services that are meant; None is all.
    """
    held = copy.deepcopy(dict(routed))
    part = held["http"]
    for key, service in part.get("services", {}).items():
        if only is not None and key not in only:
            continue
        service["loadBalancer"]["servers"] = []
        wait = f"{key}-hold"
        headers = {"customResponseHeaders": {"Retry-After": RETRY_AFTER}}
        part.setdefault("middlewares", {})[wait] = {"headers": headers}
        for router in part["routers"].values():
            if router["service"] == key and wait not in router.get("middlewares", []):
                router["middlewares"] = [wait, *router.get("middlewares", [])]
    return held


def _router(route: Route, rule: Rule, key: str, middlewares: list[str]) -> dict[str, t.Any]:
    router: dict[str, t.Any] = {
        "rule": rule.text,
        "priority": rule.priority,
        "service": key if route.redirect_to is None else NOWHERE,
        "entryPoints": list(route.entry_points),
    }
    if middlewares:
        router["middlewares"] = middlewares
    if route.tls:
        router["tls"] = _tls(route)
    return router


def _tls(route: Route) -> dict[str, t.Any]:
    """Traefik reads the names of a certificate from `Host`, and not from the rule that a wildcard needs."""
    if not route.resolver:
        return {}
    tls: dict[str, t.Any] = {"certResolver": route.resolver}
    if any(host.startswith("*.") for host in route.hosts):
        tls["domains"] = [{"main": host} for host in route.hosts]
    return tls


def _middlewares(name: str, route: Route) -> dict[str, t.Any]:
    if route.redirect_to is not None:
        target = {"regex": "^https?://[^/]+(.*)$", "replacement": f"{route.redirect_to}${{1}}", "permanent": True}
        return {f"{name}-redirect": {"redirectRegex": target}}
    if route.strip_prefix:
        return {f"{name}-strip": {"stripPrefix": {"prefixes": [route.path_prefix]}}}
    return {}


class Router(t.NamedTuple):
    """A router of a document; a redirect's has no servers."""

    name: str
    rule: str
    entry_points: tuple[str, ...]
    servers: tuple[str, ...]


def is_routing(doc: Document | None) -> bool:
    """True for the platform's routes, and not for what stands for a file that is none of its own."""
    return doc is not None and "http" in doc


def routers_of(doc: Document | None) -> list[Router]:
    """What a document routes; nothing without one."""
    return [
        Router(name, router["rule"], tuple(router["entryPoints"]), servers_of(doc, router["service"]))
        for name, router in _part(doc, "routers").items()
    ]


def rules_of(doc: Document | None) -> list[str]:
    """The rules of its routers, by their names."""
    return [router.rule for router in sorted(routers_of(doc))]


def servers_of(doc: Document | None, service: str | None = None) -> tuple[str, ...]:
    """The URLs that requests go to; of one of its services alone, if that is given."""
    found = [entry for name, entry in _part(doc, "services").items() if service in (None, name)]
    return tuple(server["url"] for entry in found for server in entry.get("loadBalancer", {}).get("servers", ()))


def targets_of(doc: Document | None, service: str | None = None) -> list[tuple[str, int | None]]:
    """The same as the names of containers, and their ports."""
    return [(url.hostname or "", url.port) for url in map(urlsplit, servers_of(doc, service))]


def middlewares_of(docs: t.Sequence[Document | None]) -> set[str]:
    """The middlewares that requests pass which none of these documents brings itself."""
    named = {name for doc in docs for row in _part(doc, "routers").values() for name in row.get("middlewares", ())}
    return named - {name for doc in docs for name in _part(doc, "middlewares")}


def _part(doc: Document | None, kind: str) -> Document:
    return t.cast("Document", ((doc or {}).get("http") or {}).get(kind, {}))


def problems(doc: Document) -> list[str]:
    """Why Traefik would refuse this document.

    One invalid file makes Traefik refuse the whole directory, so none is placed that was not looked at.
    """
    part = doc.get("http")
    if set(doc) != {"http"} or not isinstance(part, dict) or not part.get("routers"):
        return ["it has no routers"]
    found = [f"{kind} is empty" for kind, entries in part.items() if not entries]
    services, own = part.get("services", {}), part.get("middlewares", {})
    for name, router in part["routers"].items():
        if not router.get("rule") or not router.get("entryPoints"):
            found.append(f"router {name} has no rule or entry point")
        if router.get("service") != NOWHERE and router.get("service") not in services:
            found.append(f"router {name} has no service")
    for name, service in services.items():
        if name[:1] == "_":
            continue  # no service of a workload's
        balancer = service.get("loadBalancer", {})
        if balancer.get("serversTransport") not in part.get("serversTransports", {}):
            found.append(f"service {name} has no transport")
        found += [f"service {name} has no URL" for s in balancer.get("servers", [{}]) if not s.get("url")]
    found += [f"middleware {name} is not one kind" for name, entry in own.items() if len(entry) != 1]
    return found
