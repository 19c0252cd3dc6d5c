"""A9: variables that are empty, as an unset variable of a pipeline is, through every playbook on the real platform."""

from __future__ import annotations

import os
import typing as t

import pytest
from harness.platforms import Options, Platform, Task, containers
from harness.playbook_variables import PLAYBOOKS, outside

from .test_playbooks import declared

# Each costs two runs. These have the most variables, and what other playbooks include; the rest is of the second kind.
FIRST = {"deploy", "backup", "operate"}
NAMES = [
    path.stem if path.stem in FIRST else pytest.param(path.stem, marks=pytest.mark.second)
    for path in sorted(PLAYBOOKS.glob("*.yml"))
    if path.stem != "awx"
]
# What writes is foretold; that it would do the same shows there, too.
LOOKS = {"status", "doctor", "validate"}
# They refuse an empty one, which would mean every host: see test_targets.py.
WANT_HOSTS = {"teardown", "uninstall", "restore"}
# Which hosts there are, and what they are, is the inventory's to say; a role's own option is not a playbook's.
OF_THE_INVENTORY = {"workloads", "tidegate_state_dir", "tidegate_become", "platform_base_group", "traefik_api_port"}
OF_THE_INVENTORY |= {"tidegate_docker_host", "traefik_http_port", "traefik_https_port", "tidegate_backup_dir"}


def asked(playbook: str) -> set[str]:
    """The variables that a playbook may be given."""
    files = [PLAYBOOKS / f"{playbook}.yml"]
    text = files[0].read_text()
    files += [path for path in PLAYBOOKS.rglob("*") if path.is_file() and f"{path.parent.name}/{path.name}" in text]
    files += [PLAYBOOKS / "tasks" / "verdict.yml"] if "fleet.yml" in text else []
    files += [PLAYBOOKS / "templates" / "upgrade_scope.j2"] if playbook == "upgrade" else []
    return {name for path in files if path.suffix in (".yml", ".j2") for name in outside(path)}


@pytest.fixture(scope="module")
def two(platform: Platform) -> t.Iterator[list[Options]]:
    """Two declared workloads that run."""
    rows = declared(platform, *(f"e{os.urandom(3).hex()}" for _number in range(2)))
    for row in rows:
        assert not platform.apply(**row)["failed"]
    yield rows
    for row in rows:
        platform.apply(name=row["name"], state="absent", drain={"timeout": 0})


def ran(platform: Platform, playbook: str, workloads: list[Options], **extra: t.Any) -> Options:
    """What a run came to, without what differs each time."""
    check = [] if playbook in LOOKS else ["--check"]
    play = platform.playbook(f"tidegate.platform.{playbook}", *check, **extra, workloads=workloads)
    return {
        "code": play.code,
        "rows": [(row["task"], row["failed"], bool(row["result"].get("changed"))) for row in play.rows],
    }


@pytest.mark.parametrize("playbook", NAMES)
def test_empty_is_not_given(platform: Platform, two: list[Options], playbook: str) -> None:
    """All of a playbook's variables at once come to what none of them comes to."""
    left_out = OF_THE_INVENTORY | ({"tidegate_hosts"} if playbook in WANT_HOSTS else set())
    empty = dict.fromkeys(asked(playbook) - left_out, "")
    assert empty, "the walk found nothing"
    assert ran(platform, playbook, two, **empty) == ran(platform, playbook, two)


SECOND = pytest.mark.second


@pytest.mark.parametrize(
    "blank",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="a blank", marks=SECOND),
        pytest.param(",", id="a comma", marks=SECOND),
    ],
)
def test_no_consent_is_no_teardown(platform: Platform, two: list[Options], blank: str) -> None:
    """A9: `-e workload=$UNSET` with or without `-e confirm=$UNSET`; volumes too."""
    before = [containers(row["name"]) for row in two]
    for extra in (
        {"workload": blank},
        {"workload": blank, "confirm": blank, "remove_volumes": True},
        {"confirm": blank},
    ):
        play = platform.playbook("tidegate.platform.teardown", workloads=two, **extra)
        assert play.code != 0
        assert "Say -e confirm=all" in play.output
    assert [containers(row["name"]) for row in two] == before


@pytest.mark.parametrize("verb", ["rollback", "operate", "cancel", "uninstall", "restore"])
def test_nothing_that_is_named_is_nothing_that_is_done(platform: Platform, two: list[Options], verb: str) -> None:
    """For real, not foretold: each is refused, and says what it needs."""
    before = [containers(row["name"]) for row in two]
    empty: Options = dict.fromkeys(("workload", "components", "confirm", "archive"), " ")
    play = platform.playbook(f"tidegate.platform.{verb}", **empty, operation="stop", remove_data=True, replace=True)
    assert play.code != 0
    assert "-e " in play.output
    assert play.changed == []
    assert [containers(row["name"]) for row in two] == before


def test_many_hosts_are_uninstalled_by_their_names_alone(platform: Platform) -> None:
    """A9: `--limit $UNSET` means every host, so that the consent has to name them, also where an archive makes them twins."""
    inventory = platform.root / "many.json"
    hosts = '"one": {"ansible_connection": "local"}, "two": {"ansible_connection": "local"}'
    inventory.write_text('{"all": {"hosts": {' + hosts + "}}}")
    twins: Options = {"archive": "/nowhere"}
    for verb, extra in (
        ("uninstall", {"confirm": "uninstall"}),
        ("restore", {**twins, "replace": True}),
        ("restore", twins),
        ("restore", {**twins, "confirm": "one"}),
    ):
        play = platform.playbook(f"tidegate.platform.{verb}", "-i", str(inventory), "--limit", "one,two", **extra)
        assert play.code != 0
        assert "-e confirm=one,two" in " ".join(play.output.split())
        assert play.changed == []


def test_options_of_modules_that_are_empty(platform: Platform, two: list[Options]) -> None:
    """A9: an empty name names not nothing, and an empty release is the last good one."""
    names = {row["name"] for row in two}
    every, refused = platform.tasks(
        Task({"names": "", "environment": ""}, module="tidegate.platform.workload_info"),
        Task({"name": two[0]["name"], "to": ""}, module="tidegate.platform.workload_rollback"),
    )
    assert names <= {row["name"] for row in every["workloads"]}
    assert "has no good earlier release" in refused["msg"], "not: there is no release of that name"
