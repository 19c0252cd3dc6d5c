"""Which route gets a request, and route files that an earlier version wrote: values alone, and files."""

from __future__ import annotations

import errno
import json
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide import routes_today
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import filesystem
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import questions as proxy_questions
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents, rules
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.route_files import RouteFiles
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload

from .conftest import declared

MANY = [f"number-{number}.with-a-long-name.example.test" for number in range(50)]


def routers(*routes: dict[str, t.Any]) -> dict[str, t.Any]:
    """The routers of a workload."""
    document = routing_documents.document(declared(port=8000, routes=list(routes)), ("shop-1",))
    assert document is not None
    found: dict[str, t.Any] = document["http"]["routers"]
    return found


def priority(**route: t.Any) -> int:
    (router,) = routers(route).values()
    return int(router["priority"])


def test_what_is_more_specific_goes_first_whatever_the_length_of_its_text() -> None:
    """B1: Traefik's own order is that of the rules' lengths."""
    ascending: list[dict[str, t.Any]] = [
        {"host": "*", "priority": 1},
        {"host": "*", "priority": 49},
        {"host": "*"},
        {"host": "*", "path_prefix": "/a-path-that-is-rather-long"},
        {"host": "*.a-rather-long-domain.example.test"},
        {"host": "*.e.test", "path_prefix": "/api"},
        {"hosts": MANY},
        {"host": "e.test", "path_prefix": "/api"},
        {"host": "e.test", "path_prefix": "/api/v1/"},
        {"host": "*", "priority": 50},
        {"host": "*", "priority": 1000},
        {"host": "*", "priority": 10**18},
    ]
    numbers = [priority(**route) for route in ascending]
    assert numbers == sorted(set(numbers))
    assert 2**31 - 1000 > 2_000_000_000 > numbers[-1], "what Traefik takes everywhere, and the API's own"
    assert numbers[-1] == priority(host="*", priority=1_000_000_000) == 1_100_000_000, "more than that is that"
    assert priority(hosts=MANY) == priority(host="e.test")


def test_a_route_with_both_kinds_of_host_has_a_priority_for_each() -> None:
    """B1: `e.test` and `*.e.test` in one rule would rank alike."""
    found = routers({"hosts": ["e.test", "*.e.test", "f.test"], "path_prefix": "/x", "strip_prefix": True})
    exact, wild = found["shop.production-0"], found["shop.production-0-wildcard"]
    assert exact["rule"].startswith("(Host(`e.test`) || Host(`f.test`)) && ")
    assert wild["rule"].startswith("HostRegexp(")
    assert exact["priority"] > wild["priority"]
    assert exact["middlewares"] == wild["middlewares"] == ["shop.production-0-strip"]
    assert list(routers({"host": "*.e.test"})) == ["shop.production-0"], "a kind that is alone needs no name of its own"


@pytest.mark.parametrize("second", [{"host": "SHOP.test"}, {"host": "shop.test."}, {"hosts": ["b.test", "shop.test"]}])
def test_claims_see_the_same_host_in_another_spelling(second: dict[str, t.Any]) -> None:
    """B1: in other words it is the same route."""
    with pytest.raises(InvalidOption, match="given twice"):
        declared(port=1, routes=[{"host": "shop.test"}, second])


def test_claims_see_the_same_path_in_another_spelling() -> None:
    """B1: `/api` and `/api/` are one."""
    with pytest.raises(InvalidOption, match="given twice"):
        declared(port=1, routes=[{"host": "s.test", "path_prefix": path} for path in ("/api", "/api/")])


# -- what an earlier version wrote -------------------------------------------------------------------------------------


def earlier(document: t.Any) -> dict[str, t.Any]:
    """The document as a version without priorities of its own wrote it."""
    found: dict[str, t.Any] = json.loads(json.dumps(document))
    for router in found["http"]["routers"].values():
        del router["priority"]
        router["rule"] = router["rule"].replace("(Path(`/api`) || PathPrefix(`/api/`))", "PathPrefix(`/api`)")
    return found


def released(want: Workload, route: t.Any) -> Release:
    return Release("id", "image", "sha", "print", ("shop-1", "shop-2"), route, want.snapshot)


def test_a_release_of_an_earlier_version_has_the_routes_that_its_declaration_makes_today() -> None:
    """B1: or every workload would be declared otherwise after an upgrade."""
    want = declared(port=8000, routes=[{"host": "shop.test", "path_prefix": "/api"}, {"host": "*.shop.test"}])
    today = routing_documents.document(want, ("shop-1", "shop-2"))
    old = released(want, earlier(today))
    assert routes_today.current(old).route == today
    assert routes_today.current(released(want, today)).route is today
    assert routes_today.current(replace(old, route=None)).route is None


def test_neighbours_of_an_earlier_version_get_priorities(tmp_path: Path) -> None:
    """B1: the first file with one must not take the requests of those without."""
    files = RouteFiles(str(tmp_path / "routes"))
    (tmp_path / "routes").mkdir()
    assert files.outdated() == []
    wants = {
        "exact": [{"host": "shop.test"}, {"host": "shop.test", "path_prefix": "/api"}],
        "wild": [{"host": "*.test"}],
        "last": [{"host": "*", "priority": 1}],
        "first": [{"host": "*", "path_prefix": "/.well-known"}],
    }
    for key, routes in wants.items():
        document = routing_documents.document(declared(name=key, port=1, routes=routes), ("c",))
        old = earlier(document)
        if key == "last":
            old["http"]["routers"]["last.production-0"]["priority"] = 1
        if key == "first":
            old["http"]["routers"]["first.production-0"]["priority"] = 500
        files.place(key, json.dumps(old))
    assert files.outdated() == ["exact", "first", "wild"]
    for key in files.outdated():
        files.order(key)
    found = [
        router["priority"]
        for key in ("last", "wild", "exact", "first")
        for router in json.loads(Path(files.path(key)).read_text())["http"]["routers"].values()
    ]
    assert found == sorted(found)
    assert found[3] == priority(host="shop.test", path_prefix="/api")
    assert files.outdated() == []
    files.place(
        "exact", json.dumps(earlier(routing_documents.document(declared(port=1, routes=[{"host": "a.test"}]), ("c",))))
    )
    assert files.outdated() == [], "they are looked for once"


def test_a_hand_written_priority_stays_what_it_was_between_an_earlier_version_and_this() -> None:
    document = {"http": {"routers": {"a": {"rule": "Host(`a.test`)", "priority": 60}}}}
    assert rules.outdated(document)
    assert rules.ordered(document)["http"]["routers"]["a"]["priority"] == priority(host="a.test", priority=60)
    assert not rules.outdated(rules.ordered(document))


# -- what a route file has besides routes ------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", [None, ["204"]])
def test_what_is_added_to_a_route_file_is_taken_off_it_again(codes: list[str] | None) -> None:
    """B10, B18: with questions and without, for one container and for several, the stamp is that of the routes."""
    health = {"path": "/healthz", "codes": codes, "port": 9000, "host": "in.test"}
    want = declared(port=8000, replicas=2, health=health, routes=[{"host": "shop.test"}])
    for targets in (("shop-1",), ("shop-1", "shop-2")):
        document = routing_documents.document(want, targets)
        assert document is not None
        asks = {"shop.production": proxy_questions.Ask("/healthz", "shop.test")}
        door = proxy_questions.Door(("traefik",), ("platform-host-only@file",))
        extra, questions = proxy_questions.asking(document, asks, door, "secret")
        asking = proxy_questions.with_questions(document, extra)
        assert [question.url for question in questions] == [f"http://{name}:8000" for name in targets]
        plainly, written = proxy_questions.as_written("k", document), proxy_questions.as_written("k", asking)
        assert proxy_questions.plain(plainly) == proxy_questions.plain(written) == document
        assert plainly["http"]["services"]["_stamp-k"] == written["http"]["services"]["_stamp-k"]
        assert routing_documents.problems(plainly) == routing_documents.problems(written) == []
        for name, router in written["http"]["routers"].items():
            if name.startswith("_ask"):
                assert router["middlewares"][0] == "platform-host-only@file", "what guards the API guards it, too"
    service = plainly["http"]["services"]["shop.production"]["loadBalancer"]
    usual = {"path": "/healthz", "interval": "5s", "timeout": "2s", "followRedirects": False}
    assert service["healthCheck"] == {
        **usual,
        "port": 9000,
        "hostname": "in.test",
        **({"status": 204} if codes else {}),
    }
    failover = plainly["http"]["services"]["_any-shop.production"]["failover"]
    assert failover == {"service": "shop.production", "fallback": "_all-shop.production"}
    assert plainly["http"]["routers"]["shop.production-0"]["service"] == "_any-shop.production"


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


def test_a_batch_on_an_upgraded_host_marks_its_routes_from_many_threads(tmp_path: Path) -> None:
    """B12: drafts of one name, by the process alone, took each other away; most of the first batch failed."""
    hosts = [tmp_path / str(number) / "routes" for number in range(40)]
    for routes in hosts:
        (routes / "workloads").mkdir(parents=True)
    with ThreadPoolExecutor(8) as pool:
        marked = [pool.submit(RouteFiles(str(routes)).outdated) for routes in hosts for _thread in range(8)]
    assert [one.result() for one in marked] == [[]] * len(marked)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"ordered"}, "no draft is left"


def test_a_mark_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B12: it spares a look; the deployment that would have set it goes on."""
    (tmp_path / "workloads").mkdir()

    def full(*_given: t.Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(filesystem, "place", full)
    assert RouteFiles(str(tmp_path)).outdated() == []
