"""A9: an empty variable is one that was not given, in every playbook."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
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
