"""A9: an empty variable is one that was not given, in every playbook and in every module."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tidegate.platform.plugins.filter.asked import agreed, given, listed
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs, container
from harness.playbook_variables import FILES, PLAYBOOKS, outside


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLAYBOOKS)))
def test_every_variable_from_outside_may_be_empty(path: Path) -> None:
    """A9: what is not given and what is given as empty text are one, for each variable of each playbook."""
    assert [name for name, asked in outside(path).items() if not asked and name != "workloads"] == []


def test_the_walk_sees_what_playbooks_are_asked() -> None:
    """It is no walk past them: what the README names is among them."""
    asked = {name for path in FILES for name in outside(path)}
    assert asked >= {"workload", "version", "archive", "components", "confirm", "to", "domains", "reach", "backup"}


@pytest.mark.parametrize("playbook", ["teardown", "uninstall"])
def test_what_destroys_asks_for_a_consent_that_says_what(playbook: str) -> None:
    text = (PLAYBOOKS / f"{playbook}.yml").read_text()
    assert re.search(r"confirm \| default\(''\) \| tidegate.platform.listed", text)


@pytest.mark.parametrize("path", [path for path in FILES if path.parent == PLAYBOOKS and path.stem != "awx"])
def test_every_play_is_aimed_at_what_was_named(path: Path) -> None:
    """A9: `teardown -e tidegate_hosts=` was about every host; a name that names nothing is refused in each playbook."""
    for play in yaml.safe_load(path.read_text()):
        if path.stem == "validate":
            assert play["hosts"] == "localhost"
            continue
        names = set(re.findall(r"tidegate_hosts_\w+", play["hosts"]))
        assert names, play["name"]
        assert "vars/hosts.yml" in play["vars_files"]
        if path.stem in ("teardown", "uninstall", "restore"):
            assert names == {"tidegate_hosts_said"}


NAMES_ENVIRONMENT = (
    "deploy",
    "redeploy",
    "teardown",
    "rollback",
    "cancel",
    "operate",
    "status",
    "reconcile",
    "doctor",
    "validate",
)


@pytest.mark.parametrize("playbook", NAMES_ENVIRONMENT)
def test_an_environment_has_the_same_names_in_every_playbook(playbook: str) -> None:
    """D2: `rollback -e tidegate_environment=staging` rolled production back; each play takes both names in one way."""
    text = (PLAYBOOKS / f"{playbook}.yml").read_text()
    assert text.count("vars/environment.yml") == text.count("  hosts:")
    for path in FILES:
        if path.name != "environment.yml":
            assert not {"environment_name", "tidegate_environment"} & set(outside(path)), path


def test_two_names_of_one_variable_that_differ_are_refused() -> None:
    """D2: nobody knows which is meant."""
    assert [agreed({"a": a, "b": b}) for a, b in (("", "x"), ("x", " "), ("x", "x"), (None, ""))] == ["x", "x", "x", ""]
    with pytest.raises(AnsibleFilterError, match="a=x and b=y are two names of one variable, and differ"):
        agreed({"a": "x", "b": "y"})


def test_blank_text_is_not_given() -> None:
    assert [given(value, 7) for value in ("", " ", None, "a", 0, False)] == [7, 7, 7, "a", 0, False]
    assert listed(" a, ,b,") == ["a", "b"]
    assert [listed(value) for value in ("", ",", [], [""], ["a ", "b"], None, 5)] == [
        [],
        [],
        [],
        [],
        ["a", "b"],
        [],
        ["5"],
    ]


@pytest.mark.parametrize(
    "name", sorted(n for n in dir(argument_specs) if n.isupper() and "state_dir" in getattr(argument_specs, n))
)
def test_an_option_of_a_module_that_is_empty_is_not_given(name: str) -> None:
    """A9: each option of each module that takes text, or a list of it."""
    spec = getattr(argument_specs, name)
    for option, what in spec.items():
        if what.get("required") or what["type"] not in ("str", "path", "list"):
            continue
        blank = ["", " "] if what["type"] == "list" else " "
        assert argument_specs.given(spec, {option: blank}) == {option: what.get("default")}, option
    assert argument_specs.given(spec, {"state_dir": "/x"}) == {"state_dir": "/x"}


ROW: dict[str, t.Any] = {"name": "shop", "image": "registry.test/shop:1"}


@pytest.mark.parametrize(
    "options",
    [
        {name: [""] if option["type"] == "list" else ""}
        for name, option in argument_specs.DECLARATION.items()
        if option["type"] in ("str", "path", "list") and "choices" not in option and name not in {*ROW, "entrypoint"}
    ]
    + [
        {"health": {"path": "", "command": [""]}},
        {"routes": [{"host": "a.test", "resolver": "", "middlewares": [""]}]},
    ],
    ids=str,
)
def test_an_option_of_a_row_that_is_empty_is_not_given(options: dict[str, t.Any]) -> None:
    """An element of `workloads` means what the same options mean alone, also those of its options."""
    found = argument_specs.given(argument_specs.WORKLOADS, {"workloads": [{**ROW, **options}]})["workloads"][0]
    alone = argument_specs.given(argument_specs.DECLARATION, {**ROW, **options})
    assert found == alone
    assert '""' not in json.dumps(found)


def test_an_entry_point_of_nothing_is_given() -> None:
    """A9: Docker's way to clear the image's; text that is unset upstream still is not given elsewhere."""
    found = argument_specs.given(container.CONTAINER, {"entrypoint": [""], "command": [""]})
    assert (found["entrypoint"], found["command"]) == ([""], None)
