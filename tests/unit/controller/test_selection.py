"""Which workloads a run of a playbook is about, and what is said of what cannot be meant."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.filter.selection import NO_LIST, selection

GROUPS = {"all": ["a", "b"], "web": ["a"], "empty": [], "ungrouped": []}
SHOP = {"name": "shop", "image": "registry.test:5000/shop:1@sha256:" + "0" * 64, "groups": ["web"]}
MAIL = {"name": "mail", "image": "registry.test/mail:1", "environment": "staging", "version": "2"}
BUILT = {"name": "built", "source": {"path": "."}}


def chosen(*rows: t.Any, host: str = "a", **asked: t.Any) -> dict[str, t.Any]:
    """What is selected; nobody is asked for by name unless a test does."""
    return selection(list(rows), host, GROUPS, **{"names": [], **asked})


def test_each_host_has_what_its_groups_take() -> None:
    """Also what is for no host of the run stays a row, so that others can see that."""
    everywhere = {key: value for key, value in SHOP.items() if key != "groups"} | {"name": "other"}
    assert list(chosen(SHOP, everywhere)["arguments"]) == ["shop", "other"]
    elsewhere = chosen(SHOP, everywhere, host="b")
    assert (list(elsewhere["arguments"]), [row["name"] for row in elsewhere["rows"]]) == (["other"], ["shop", "other"])


@pytest.mark.parametrize(
    ("asked", "image"),
    [
        ({}, SHOP["image"]),
        ({"names": ["shop"], "version": "1.4"}, "registry.test:5000/shop:1.4"),
        ({"names": ["shop"], "version": " "}, SHOP["image"]),
    ],
)
def test_a_version_is_the_tag_of_an_image(asked: dict[str, t.Any], image: str) -> None:
    assert chosen(SHOP, **asked)["arguments"] == {"shop": {"name": "shop", "image": image}}


def test_a_declared_version_gives_way_to_the_one_that_is_asked_for() -> None:
    assert chosen(MAIL)["arguments"]["mail"]["image"] == "registry.test/mail:2"
    assert chosen(MAIL, names=["mail"], version="3")["arguments"]["mail"]["image"] == "registry.test/mail:3"


def test_an_environment_is_passed_on_as_it_was_said() -> None:
    blank = {**BUILT, "environment": ""}
    assert chosen(blank)["arguments"] == {"built": BUILT}
    assert chosen(BUILT, MAIL, environment="staging")["arguments"].keys() == {"mail"}
    assert chosen(BUILT, MAIL, environment="production")["arguments"].keys() == {"built"}


def test_what_is_only_on_record_may_be_meant() -> None:
    gone = chosen(BUILT, names=["gone"], recorded=["gone", "built"], place="staging")
    assert gone["arguments"] == {"gone": {"name": "gone", "environment": "staging"}}
    assert selection(None, "a", GROUPS, names=["gone"], recorded=["gone"])["problem"] == ""


@pytest.mark.parametrize(
    ("rows", "asked", "said"),
    [
        (None, {}, NO_LIST),
        ("shop", {}, NO_LIST),
        ({"shop": SHOP}, {}, NO_LIST),
        ([{"image": "x:1"}], {}, NO_LIST),
        ([{"name": ["shop"]}], {}, NO_LIST),
        ([{"name": 123, "image": "x:1"}], {"names": ["shop"]}, "names shop, which is not declared. Declared are 123."),
        (
            [SHOP, SHOP],
            {},
            f"{NO_LIST} Of one that is in several environments, say which with -e tidegate_environment=",
        ),
        ([MAIL], {"environment": "test"}, "Nothing is declared in the environment test. There are staging."),
        ([SHOP], {"names": ["b", "shop"]}, "workload=b,shop names b, which is not declared. Declared are shop."),
        (
            [MAIL],
            {"names": ["b"], "environment": "staging", "recorded": [], "place": "staging"},
            "names b, which is not declared in staging, and no host has it on record in staging. Declared are mail.",
        ),
        ([], {"names": ["b"]}, "Declared are none."),
        ([{**SHOP, "groups": "we*, all"}], {}, "groups of shop has we*: these are patterns."),
        (
            [{**SHOP, "groups": ["empty"]}],
            {},
            "No host of the inventory takes shop of the groups empty. Groups with hosts",
        ),
        ([{**SHOP, "groups": []}], {}, "takes shop of the groups none. Groups with hosts are all, web."),
        ([SHOP], {"version": "2"}, "version=2 applies to one workload. Say which with -e workload=NAME."),
        ([{**SHOP, "version": 1.1}], {}, "version=1.1 is a number, of which YAML drops what it does not need"),
        ([BUILT], {"names": ["built"], "version": "2"}, "is the tag of an image, and built has none"),
        ([{**BUILT, "version": "2"}], {}, "is the tag of an image, and built has none"),
    ],
)
def test_what_cannot_be_meant_is_said(rows: t.Any, asked: dict[str, t.Any], said: str) -> None:
    """One problem at a time, and nothing is chosen."""
    found = selection(rows, "a", GROUPS, **{"names": [], **asked})
    assert said in found["problem"]
    assert (found["rows"], found["arguments"]) == ([], {})


def test_groups_of_others_are_no_matter() -> None:
    """What is not asked for by name may be for hosts that are not in this inventory."""
    assert chosen(SHOP, {**BUILT, "groups": ["elsewhere"]}, names=["shop"])["problem"] == ""
