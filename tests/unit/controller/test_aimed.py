"""A9, D2: the hosts that are meant are the ones; what names nothing is refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.tidegate.platform.plugins.filter.aimed import aimed, canary, nearest, takes, without

GROUPS = {
    "all": ["one", "two", "three"],
    "ungrouped": [],
    "web": ["one", "two"],
    "db": ["three"],
    "none": [],
}

MEANT: list[tuple[t.Any, t.Any, str]] = [
    ("", None, "all"),
    (None, None, "all"),
    (" , ", None, "all"),
    ("one, two", None, "one,two"),
    ("one,two:!one", None, "one,two,!one"),
    ("web:&all", "one", "web,&all"),
    (["web", "db"], None, "web,db"),
    ("w*", None, "w*"),
    ("~t.*e", None, "~t.*e"),
    ("web[0]", None, "web[0]"),
    ("web:!none", None, "web,!none"),
    ("localhost", None, "localhost"),
]


@pytest.mark.parametrize(("value", "limit", "pattern"), MEANT)
def test_what_names_something_is_meant(value: t.Any, limit: t.Any, pattern: str) -> None:
    """D2: commas and colons may be mixed, and a blank one is not given."""
    assert aimed(value, GROUPS, limit) == pattern


REFUSED: list[tuple[t.Any, t.Any, bool, str]] = [
    ("one,twox", None, False, "names twox, .*Did you mean two"),
    ("web:!tree", None, False, "names tree, .*Did you mean three"),
    ("x*", None, False, "names x"),
    ("~(", None, False, "cannot be read as hosts"),
    ("q", None, False, "There are db, none, one, three, two, web"),
    ("none", None, False, "names no host"),
    ("web", "db", False, "tidegate_hosts=web within --limit db names no host"),
    ("", "one,twox", False, "--limit names twox"),
    ("", None, True, "tidegate_hosts is empty"),
    ([], None, True, "tidegate_hosts is empty"),
    ("all", " ", True, "--limit is empty"),
]


@pytest.mark.parametrize(("value", "limit", "destroys", "words"), REFUSED)
def test_what_names_nothing_is_refused(value: t.Any, limit: t.Any, destroys: bool, words: str) -> None:
    """A9, D2: with the nearest names; and an empty variable where something is removed."""
    with pytest.raises(AnsibleFilterError, match=words):
        aimed(value, GROUPS, limit, destroys)


def test_a_canary_is_one_of_those_that_are_meant() -> None:
    """D2: the rest is everybody else, the last one too."""
    assert canary(" ", "all", GROUPS) == "all:!all"
    assert without("one,two", "all:!all") == "one,two"
    assert canary("one", "one,two", GROUPS) == "one"
    assert without("one,two", "one") == "one,two,!one"
    assert canary("web", "all", GROUPS, "web") == "one,two"
    for value, words in (("tow", "Did you mean two"), ("three", "three, which is not meant. Meant are one, two")):
        with pytest.raises(AnsibleFilterError, match=words):
            canary(value, "web", GROUPS)
    with pytest.raises(AnsibleFilterError, match="names no host"):
        canary("none", "all", GROUPS)


def test_the_nearest_names_are_told() -> None:
    assert nearest(["shpo"], ["shop", "blog"]) == "Did you mean shop?"
    assert nearest(["x"], []) == "There are none."
    many = [f"host{number}" for number in range(12)]
    assert nearest(["q"], many).endswith("and 2 more.")


def test_without_an_inventory_nothing_is_refused() -> None:
    """Syntax checks and linters of playbooks that import these have none, and nobody could be touched."""
    nobody: dict[str, list[str]] = {"all": [], "ungrouped": []}
    assert aimed("later", nobody) == "later"
    assert aimed("all", nobody, None, True) == "all"
    assert canary("one", "all", nobody) == "all:!all"
    with pytest.raises(AnsibleFilterError, match="is empty"):
        aimed("", nobody, None, True)


def test_all_is_every_host_of_the_inventory() -> None:
    """D2: Ansible's own names of a host's groups are without it; who is in no group at all is nobody's."""
    there = {"all": ["web1", "db1"], "ungrouped": [], "web": ["web1"]}
    assert [takes("all", host, there) for host in ("web1", "db1", "localhost")] == [True, True, False]
    assert [takes(["web", "nine"], host, there) for host in ("web1", "db1")] == [True, False]
    assert not takes([], "web1", there)
