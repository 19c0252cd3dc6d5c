"""What Traefik is told of workloads and of Compose projects. Pure."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents

from unit.declarations import declared
from unit.projects import ROUTED, WEB, declared_project

from .documents import routed


def test_only_routes_of_services_that_are_down_say_when_to_come_back() -> None:
    """DS-02: whoever is still there answers for itself."""
    want = declared_project(
        compose={"services": [ROUTED, {"name": "api", "port": 80, "routes": [{"host": "api.test"}]}]}
    )
    routed = routing_documents.stack_document(want, {"web": ["web-1"], "api": ["api-1"]})
    assert routed
    held = routing_documents.stack_without_servers(want, routed, ["web"])["http"]
    waits = {row["service"]: row.get("middlewares", []) for row in held["routers"].values()}
    assert waits == {"shop.production-web": ["shop.production-web-hold"], "shop.production-api": []}
    assert [len(row["loadBalancer"]["servers"]) for row in held["services"].values()] == [0, 1]
    assert routing_documents.stack_without_servers(want, {"http": held}, ["web"]) == {"http": held}


def test_the_routes_of_some_services_change_and_those_of_others_stay() -> None:
    """B3: whatever the services are called, each entry of a document is one service's own."""
    names = ["web", "web-0", "web-0-hold", "other"]
    rows = [
        {
            "name": name,
            "port": 80,
            "routes": [
                {"host": f"{name}.test"},
                {"hosts": ["b.test", "*.c.test"], "path_prefix": f"/{name}", "strip_prefix": True},
            ],
        }
        for name in names
    ]
    want = declared_project(compose={"definition": {"services": dict.fromkeys(names, WEB)}, "services": rows})
    before = routing_documents.stack_document(want, {name: [f"{name}-1"] for name in names})
    after = routing_documents.stack_document(want, {name: [f"{name}-2"] for name in names})
    assert before
    assert after
    held = routing_documents.stack_without_servers(want, before, names)
    for name in names:
        one = routing_documents.merged(held, after, want, [name])
        others = routing_documents.merged(held, None, want, [name])
        for kind, entries in one["http"].items():
            key = f"shop.production-{name}"
            mine = {k for k in entries if k not in others["http"].get(kind, {})}
            assert mine == {k for k, v in after["http"].get(kind, {}).items() if _is_of(kind, k, v, key, after)}, kind
            assert all(entries[k] == held["http"][kind][k] for k in entries if k not in mine)
    assert routing_documents.merged(held, after, want, names) == after


def _is_of(kind: str, name: str, entry: t.Any, key: str, document: t.Any) -> bool:
    if kind == "routers":
        return bool(entry["service"] == key)
    routers = [router for router in document["http"]["routers"].values() if router["service"] == key]
    return name == key or any(name in router.get("middlewares", ()) for router in routers)


@pytest.mark.parametrize(
    ("route", "rule"),
    [
        ({}, "Host(`shop.test`)"),
        ({"hosts": ["b.test"]}, "(Host(`b.test`) || Host(`shop.test`))"),
        ({"path_prefix": "/api"}, "Host(`shop.test`) && (Path(`/api`) || PathPrefix(`/api/`))"),
        ({"path_prefix": "/api//v1/"}, "Host(`shop.test`) && (Path(`/api/v1`) || PathPrefix(`/api/v1/`))"),
        ({"host": "*.shop.test"}, r"HostRegexp(`^[a-z0-9-]+\.shop\.test\.?$`)"),
        ({"host": "Shop.Test."}, "Host(`shop.test`)"),
        ({"host": "*"}, "PathPrefix(`/`)"),
    ],
)
def test_rules(route: dict[str, t.Any], rule: str) -> None:
    assert routed(**route)["http"]["routers"]["shop.production-0"]["rule"] == rule


def test_a_document_sends_every_route_to_every_target() -> None:
    http = routed(tls=True, priority=7, middlewares=["auth@file"], path_prefix="/x", strip_prefix=True)["http"]
    router = http["routers"]["shop.production-0"]
    assert router["entryPoints"] == ["websecure"]
    assert router["tls"] == {}
    assert router["priority"] == 7
    assert router["middlewares"] == ["auth@file", "shop.production-0-strip"]
    urls = [s["url"] for s in http["services"]["shop.production"]["loadBalancer"]["servers"]]
    assert urls == ["http://shop-1:8000", "http://shop-2:8000"]


def test_a_wildcard_says_which_names_its_certificate_is_for() -> None:
    """B11: Traefik finds them in the rules of plain hosts only."""
    router = routed(hosts=["*.shop.test"], resolver="dns")["http"]["routers"]["shop.production-0"]
    assert router["tls"] == {"certResolver": "dns", "domains": [{"main": "*.shop.test"}, {"main": "shop.test"}]}
    plain = routed(resolver="dns")["http"]["routers"]["shop.production-0"]
    assert plain["tls"] == {"certResolver": "dns"}


def test_held_routes_answer_503_with_retry_after_and_hold_twice_is_hold_once() -> None:
    held = routing_documents.without_servers(routed(middlewares=["auth@file"]))
    assert held["http"]["services"]["shop.production"]["loadBalancer"]["servers"] == []
    assert held["http"]["routers"]["shop.production-0"]["middlewares"][0] == "shop.production-hold"
    assert routing_documents.problems(held) == []
    assert routing_documents.without_servers(held) == held


def test_a_redirect_needs_no_port_and_keeps_the_path() -> None:
    want = declared(routes=[{"host": "www.shop.test", "redirect_to": "https://shop.test/"}])
    document = routing_documents.document(want, ())
    assert document is not None
    assert routing_documents.problems(document) == []
    assert document["http"]["routers"]["shop.production-0"]["service"] == "noop@internal"
    redirect = document["http"]["middlewares"]["shop.production-0-redirect"]["redirectRegex"]
    assert redirect["replacement"] == "https://shop.test${1}"


def test_a_redirect_is_for_good() -> None:
    """Search engines and clients keep what 308 says, and would ask again for 307."""
    want = declared(port=8000, routes=[{"host": "old.test", "redirect_to": "https://new.test"}])
    document = routing_documents.document(want, ("shop-1",))
    assert document is not None
    (middleware,) = document["http"]["middlewares"].values()
    assert middleware["redirectRegex"]["permanent"] is True


@pytest.mark.parametrize(
    "health",
    [
        {"type": "tcp"},
        {"command": ["true"]},
        {"path": "/", "codes": ["200", "204"]},
        {"path": "/", "codes": ["200-204"]},
    ],
)
def test_a_gate_that_traefik_cannot_ask_is_not_asked_by_it(health: dict[str, t.Any]) -> None:
    """B18: what would be asked otherwise than declared could call a good replica sick."""
    want = declared(port=8000, replicas=2, health=health, routes=[{"host": "shop.test"}])
    document = routing_documents.document(want, ("shop-1", "shop-2"))
    assert document is not None
    assert "healthCheck" not in document["http"]["services"]["shop.production"]["loadBalancer"]
