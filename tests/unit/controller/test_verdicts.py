"""What is said at the end of a run: what each host is on, what is left of another run, what is not well."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.filter.verdicts import ended, halves, ill

Row = t.Dict[str, t.Any]
GO: Row = {"go": True, "bad": [], "reason": "every host is ready"}
BACK: Row = {"go": False, "bad": ["b"], "reason": "failed on b"}


def one(version: str | None, **more: t.Any) -> Row:
    """A result with the workload shop at a version."""
    release = {"id": f"r{version}", "image": f"i:{version}", "image_id": f"x{version}"} if version else None
    row = {"name": "shop", "environment": "production", "release": release, "health": "healthy", "state": "present"}
    return {"workloads": [{**row, "changed": True, **more}]}


def run(before: Row, after: Row, **more: Row) -> dict[str, Row]:
    """Results of a run's tasks."""
    return {"led": {}, "staged": {}, "switched": {}, "applied": {}, "before": before, "after": after, **more}


def test_a_host_that_went_where_it_was_asked_to_is_well() -> None:
    said = ended([{"name": "shop"}], "a", GO, run(one("1"), one("2"), switched=one("2"), applied=one("2")))
    assert said == {"well": True, "said": "live: shop: i:2 (r2), healthy in production; changed 1"}


@pytest.mark.parametrize("want", [{"name": 404}, {"name": "404", "environment": 2}, {"name": 404, "environment": "2"}])
def test_names_and_environments_of_digits_are_found(want: Row) -> None:
    """A declaration has numbers where modules answer by text: a host on the wrong release was called well."""
    there = {"name": "404", "environment": str(want.get("environment", "production"))}
    results = run(one("1", **there), one("1", **there), switched=one("2", **there))
    assert not ended([want], "a", GO, results)["well"]
    status = {**one("1", **{**SICK, **there}), "unknown": []}
    asked = {"names": ["404"], "environment": there["environment"], "everywhere": ["404"]}
    assert ill(status, [want], "a", GROUPS, **asked) == []
    nothing: Row = {"workloads": [], "unknown": []}
    assert len(ill(nothing, [want], "a", GROUPS, **asked)) == 1, "it is missed"


@pytest.mark.parametrize(
    ("verdict", "want", "results", "said"),
    [
        pytest.param(
            GO,
            {"name": "shop"},
            run(one("1"), one("1"), switched=one("2")),
            "every host is ready. This host is NOT on what it should be: shop was switched to i:2 (r2). "
            "It is on shop: i:1 (r1), healthy in production",
            id="something else is live",
        ),
        pytest.param(
            GO,
            {"name": "shop", "state": "absent"},
            run(one("1"), one("1")),
            "every host is ready. This host is NOT on what it should be: shop is not absent. "
            "It is on shop: i:1 (r1), healthy in production",
            id="it is still there",
        ),
        pytest.param(
            BACK,
            {"name": "shop"},
            run(one("1"), one("2")),
            "failed on b. This host is NOT on what it should be: shop was i:1, present. "
            "It is on shop: i:2 (r2), healthy in production",
            id="it did not go back",
        ),
        pytest.param(
            BACK,
            {"name": "shop"},
            run(one("1"), one("1"), staged={"failed": True, "msg": "cause"}),
            "failed on b. Every host of this batch goes back; this one is on what it had before: "
            "shop: i:1 (r1), healthy in production cause",
            id="all go back",
        ),
        pytest.param(
            {**GO, "bad": ["a"]},
            {"name": "shop", "environment": "staging"},
            run({}, {"workloads": []}),
            "every host is ready. This host is on what it had before: shop: nothing in staging",
            id="this one alone",
        ),
        pytest.param(
            GO,
            {"name": "shop"},
            run(one("1"), {"msg": "no route"}),
            "every host is ready. This host cannot be asked what it is on: no route",
            id="nobody knows",
        ),
    ],
)
def test_a_host_that_did_not_says_what_it_is_on(verdict: Row, want: Row, results: dict[str, Row], said: str) -> None:
    assert ended([want], "a", verdict, results) == {"well": False, "said": said}


def test_what_could_not_be_ended_is_not_well() -> None:
    """All is as it was asked for, but the old release is still beside it."""
    said = ended(
        [{"name": "shop"}], "a", GO, run(one("1"), one("2"), switched=one("2"), applied={"failed": True, "msg": "why"})
    )
    assert said == {"well": False, "said": "live: shop: i:2 (r2), healthy in production; changed 1 why"}


def host(version: str | None, switched: bool | None) -> Row:
    """A host's variables, with what a run has left there."""
    left = [] if switched is None else [{"name": "shop", "environment": "production", "switched": switched}]
    return {"tidegate_left": left, "tidegate_there": one(version)}


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (host("2", True), host("2", True), None),
        (host("2", True), host("2", None), None),
        (host("2", True), host(None, None), None),
        (host("2", True), host("1", False), "a is on i:2, b is on i:1, and only staged"),
        (host("2", True), host("1", None), "a is on i:2, b is on i:1"),
        (host("1", False), host("1", False), "a is on i:1, and only staged, b is on i:1, and only staged"),
    ],
)
def test_halves_are_said_of_every_host(a: Row, b: Row, said: str | None) -> None:
    assert halves(["a", "b"], {"a": a, "b": b}) == ([f"shop (production): {said}"] if said else [])


SICK: Row = {"containers": [], "deploying": None, "routes": [], "drift": ""}
GROUPS = {"all": ["a", "b"], "web": ["a"], "db": ["b"]}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, []),
        ({"health": "stopped", "drift": "d"}, []),
        ({"health": "degraded", "drift": "d"}, ["shop in production is degraded"]),
        ({"drift": "d"}, ["shop in production drifted: d"]),
        ({"drift": "d", "deploying": {"id": "1"}}, []),
        (
            {"routes": [{"rule": "r", "status": "enabled"}, {"rule": "s", "status": "missing"}]},
            ["shop in production: its route s is missing"],
        ),
        (
            {"state": "absent", "health": "missing"},
            ["shop in production is declared for this host, which does not have it"],
        ),
        ({"state": "absent", "health": "missing", "containers": [1]}, ["shop in production is missing"]),
    ],
)
def test_what_is_not_well_is_said(row: Row, said: list[str]) -> None:
    status = {**one("1", **{**SICK, **row}), "unknown": []}
    declared = [{"name": "shop"}, {"name": "other", "groups": ["db"]}, {"name": "gone", "state": "absent"}]
    assert ill(status, declared, "a", GROUPS, names=[], environment="", everywhere=[]) == said
    assert ill({**status, "unknown": ["u"]}, [], "a", GROUPS, names=[], environment="", everywhere=[])[0] == "u"


def test_what_no_host_has_is_said_by_all() -> None:
    """And of what is declared only what was asked for counts."""
    status: Row = {"workloads": [], "unknown": []}
    asked = {"names": ["shop", "blog"], "environment": "staging", "everywhere": ["blog"]}
    declared = [{"name": name, "environment": "staging"} for name in ("blog", "news")]
    assert ill(status, declared, "a", GROUPS, **asked) == [
        "blog in staging is declared for this host, which does not have it",
        "no host has shop in staging",
    ]
