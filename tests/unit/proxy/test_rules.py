"""Which route gets a request."""

from __future__ import annotations

import typing as t

from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import rules

from .documents import priority, routers


def test_a_wildcard_is_for_one_label_before_the_domain() -> None:
    """Neither the domain itself, nor two labels, nor another dot."""
    assert rules.text(["*.shop.test"], "/") == r"HostRegexp(`^[a-z0-9-]+\.shop\.test\.?$`)"


MANY = [f"number-{number}.with-a-long-name.example.test" for number in range(50)]


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


def test_a_hand_written_priority_stays_what_it_was_between_an_earlier_version_and_this() -> None:
    document = {"http": {"routers": {"a": {"rule": "Host(`a.test`)", "priority": 60}}}}
    assert rules.outdated(document)
    assert rules.ordered(document)["http"]["routers"]["a"]["priority"] == priority(host="a.test", priority=60)
    assert not rules.outdated(rules.ordered(document))
