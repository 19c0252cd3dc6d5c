"""What playbooks decide of many hosts: who failed, who is first, what is left, and how it is said."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.filter.batch import applied_line, failing, led, left_by
from ansible_collections.tidegate.platform.plugins.filter.due import unreached
from ansible_collections.tidegate.platform.plugins.filter.selection import (
    called,
    declared_line,
    run_once,
    untaken,
    wanted_on,
    within,
)

Row = t.Dict[str, t.Any]
HOSTS = ["a", "b", "c"]


def variables(**rows: t.Any) -> Row:
    """The variables of every host."""
    return {host: {"r": rows[host]} if host in rows else {} for host in HOSTS}


def test_a_host_fails_by_any_result_and_by_its_leaving() -> None:
    gone = variables(a={"failed": False}, b={"unreachable": True})
    assert failing(HOSTS, gone, ["r"], HOSTS) == ["b"]
    assert failing(HOSTS, gone, ["r"], HOSTS, "r") == ["b", "c"]
    assert failing(HOSTS, gone, ["r"], ["b", "c"]) == ["a", "b"]
    twice: Row = {"a": {"r": {}, "s": {"failed": True}}, "b": {"r": {"skipped": True}}, "c": {"s": {}}}
    assert failing(HOSTS, twice, ["r", "s"], HOSTS) == ["a"]
    assert failing(HOSTS, twice, ["r", "s"], HOSTS, "s") == ["a", "b"]


def test_the_first_host_that_has_a_name_leads_it() -> None:
    """Names may be of a list, or of a mapping; a host without any has none."""
    have = variables(b=["shop", "blog"], c={"shop": {}, "news": {}})
    assert [led(["shop", "blog", "news", "lost"], host, HOSTS, have, "r") for host in HOSTS] == [
        [],
        ["shop", "blog"],
        ["news"],
    ]
    assert led(["shop"], "c", ["c", "b", "a"], have, "r") == ["shop"]


def test_what_a_run_left_is_what_it_has_not_ended() -> None:
    def row(name: str, fleet: str | None, live: str | None) -> Row:
        deploying = {"id": "2", "fleet": fleet} if fleet is not None else None
        release = {"id": live} if live else None
        return {"name": name, "environment": "e", "deploying": deploying, "release": release, "health": "healthy"}

    rows = [row("none", None, "1"), row("own", "", "1"), row("staged", "f", "1"), row("first", "f", None)]
    rows.append(row("switched", "g", "2"))
    assert [(one["name"], one["switched"]) for one in left_by(rows)] == [
        ("staged", False),
        ("first", False),
        ("switched", True),
    ]
    assert left_by(rows, "g") == [{"name": "switched", "environment": "e", "fleet": "g", "switched": True}]


def test_what_was_applied_is_one_line() -> None:
    row = {
        "name": "shop",
        "environment": "e",
        "changed": True,
        "reason": "why",
        "steps": [{"name": "pull"}, {"name": "gate"}],
    }
    row["release"] = {"image": "i:1", "id": "1"}
    assert applied_line(row) == "shop: changed, live i:1 (1) in e; why [pull > gate]"
    assert applied_line({**row, "changed": False, "release": None, "steps": []}) == (
        "shop: unchanged, live nothing (-) in e; why"
    )


@pytest.mark.parametrize(
    ("image", "image_id", "health", "said"),
    [
        ("i:2", "new", "healthy", []),
        ("i:9", "new", "healthy", []),
        ("i:2", "other", "healthy", []),
        ("i:1", "old", "healthy", ["p: i:1 is healthy"]),
        ("i:2", "new", "degraded", ["p: i:2 is degraded"]),
    ],
)
def test_a_component_is_at_its_version_by_name_or_content(
    image: str, image_id: str, health: str, said: list[str]
) -> None:
    scope = [{"name": "p", "workload": "proxy", "image": "i:2", "image_id": "new"}]
    live = {"name": "proxy", "release": {"image": image, "image_id": image_id}, "health": health}
    assert unreached(scope, [{"name": "other", "release": {}, "health": ""}, live]) == said


GROUPS = {"all": HOSTS, "web": ["a"], "db": ["b", "c"], "none": []}


def test_what_is_asked_for_by_its_name_is_taken_by_a_host() -> None:
    """Whose group it is, or who has it already; what has no groups is everybody's."""
    rows: list[Row] = [{"name": "w", "groups": ["web"]}, {"name": "d", "groups": "db,none"}, {"name": "n"}]
    nobody: Row = {host: {} for host in HOSTS}
    assert untaken(rows, ["w", "d", "n"], HOSTS, nobody, GROUPS) == []
    assert untaken(rows, ["w", "d", "n"], ["a"], nobody, GROUPS) == ["d of the groups db, none"]
    assert untaken(rows, ["w"], ["a"], nobody, GROUPS) == []
    assert untaken(rows, ["d"], ["a"], {"a": {"tidegate_arguments": {"d": {}}}}, GROUPS) == []


def test_declarations_of_an_environment() -> None:
    rows: list[Row] = [{"name": "a"}, {"name": "b", "environment": "staging"}, {"name": "c", "environment": ""}]
    assert [[row["name"] for row in within(rows, env)] for env in ("", "production", "staging", "x")] == [
        ["a", "b", "c"],
        ["a", "c"],
        ["b"],
        [],
    ]
    assert within(["text", None], "") == []
    assert [called(row) for row in rows] == ["a", "b.staging", "c"]


def test_declarations_by_which_something_runs_on_a_host() -> None:
    rows = [
        {"name": "a", "groups": ["web"]},
        {"name": "b", "groups": ["db"]},
        {"name": "c", "state": "absent"},
        {"name": "d", "state": "", "environment": "staging"},
    ]
    assert [row["name"] for row in wanted_on(rows, "a", GROUPS)] == ["a", "d"]
    assert [row["name"] for row in wanted_on(rows, "b", GROUPS, "production")] == ["b"]


def test_a_release_command_that_is_for_all_runs_once() -> None:
    """Text is a boolean, too; what is blank was not given."""
    rows = [{"name": str(value), "release_command_once": value} for value in (True, "yes", "false", False, "", None)]
    assert run_once([*rows, {"name": "unsaid"}]) == ["True", "yes"]


def test_what_is_declared_is_one_line() -> None:
    assert declared_line({"name": "a", "environment": "e"}) == "a (e): image"
    assert declared_line({"name": "a", "environment": "e", "type": "static"}) == "a (e): static"
