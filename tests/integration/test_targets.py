"""What a playbook is aimed at: the environment, the hosts and the names that are meant, and no others (A9, D2, B6)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from harness.platforms import Options, Platform, Task, containers, docker
from harness.runs import Driver

from .test_fleet_plays import DEPLOY, Pair, said, shop
from .test_leftovers import until

P = "tidegate.platform."


@pytest.fixture
def twice(platform: Platform) -> Pair:
    """The session's platform as two hosts of an inventory, which it is enough for."""
    return Pair(platform.root, platform.label, platform.ports, members=dict.fromkeys(("one", "two"), platform))


STRANGERS: list[tuple[str, tuple[str, ...], Options, str]] = [
    ("deploy", (), {"tidegate_hosts": "one,twox"}, "tidegate_hosts names twox, and no host or group"),
    ("deploy", (), {"tidegate_hosts": "one,two", "tidegate_canary": "tvo"}, "tidegate_canary names tvo"),
    ("deploy", (), {"tidegate_hosts": "one", "tidegate_canary": "two"}, "two, which is not meant. Meant are one."),
    ("deploy", ("--limit", "one,twox"), {}, "--limit names twox"),
    ("deploy", ("--limit", "one"), {"tidegate_hosts": "two"}, "tidegate_hosts=two within --limit one names no host"),
    ("teardown", (), {"tidegate_hosts": " "}, "tidegate_hosts is empty. Say whom it is about"),
    ("teardown", ("--limit", ""), {}, "--limit is empty"),
    ("uninstall", (), {"tidegate_hosts": "", "confirm": "one,two"}, "tidegate_hosts is empty"),
    ("restore", (), {"tidegate_hosts": "", "archive": "/nowhere"}, "tidegate_hosts is empty"),
    ("operate", (), {"tidegate_hosts": "", "operation": "stop"}, "tidegate_hosts is empty"),
]


def test_hosts_that_are_not_meant_are_left_alone(twice: Pair, name: str) -> None:
    """A9, D2: an empty variable tore down everywhere; hosts and canaries that do not exist were left out without a word."""
    aimed = {"tidegate_hosts": "one,two", "tidegate_canary": "one"}
    play = twice.playbook(DEPLOY, "--check", workloads=shop(name, "1"), **aimed).ok()
    assert {row["host"] for row in play.rows} == {"one", "two"}, "the last host was left out"
    for verb, arguments, extra, words in STRANGERS:
        common: Options = {"workloads": shop(name, "2"), "workload": name, "confirm": name}
        play = twice.playbook(P + verb, *arguments, **{**common, **extra})
        assert play.code != 0, (verb, extra)
        assert words in said(play)
        assert play.rows == []


def test_a_workload_that_is_nowhere_stops_all(platform: Platform, name: str) -> None:
    """D2: of two names the one that names nothing was left out, and the other one was restarted, or went back."""
    for version in "12":
        platform.apply(**shop(name, version, networks=[platform.network], env={})[0])
    before = containers(name)
    verbs: list[tuple[str, Options]] = [
        ("operate", {"operation": "stop"}),
        ("rollback", {}),
        ("reconcile", {"tidegate_environment": "production"}),
        ("cancel", {"outcome": "revert"}),
    ]
    for verb, extra in verbs:
        play = platform.playbook(P + verb, workload=f"{name},{name}x", **extra)
        assert play.code != 0, verb
        assert f"No host has {name}x in the environment production" in said(play)
        assert f"Did you mean {name}?" in said(play)
    assert containers(name) == before
    assert platform.version(f"{name}.test") == "2"


def test_the_environment_that_is_meant_is_the_one(platform: Platform, name: str) -> None:
    """D2: a rollback and a teardown of staging were production's; what is not declared any more goes by its name."""
    place: Options = {"networks": [platform.network], "env": {}}
    staging: Options = {**place, "environment": "staging", "routes": [{"host": f"{name}.staging.test"}]}
    for version in "12":
        platform.apply(**shop(name, version, **place)[0])
        platform.apply(**shop(name, version, **staging)[0])
    back = platform.playbook(P + "rollback", workload=name, tidegate_environment="staging").ok()
    assert (platform.version(f"{name}.test"), platform.version(f"{name}.staging.test")) == ("2", "1"), said(back)
    assert f"{name} in staging" in said(back)
    before = containers(name)
    aimed: Options = {"workload": name, "environment_name": "staging", "workloads": shop(name, "2")}
    unnamed = platform.playbook(P + "teardown", confirm=name, **aimed)
    assert unnamed.code != 0
    assert f"Say -e confirm={name}.staging." in said(unnamed)
    assert containers(name) == before
    platform.playbook(P + "teardown", confirm=f"{name}.staging", **aimed).ok()
    assert platform.version(f"{name}.test") == "2", "what is on record goes by its name, and only that"
    (left,) = containers(name)
    platform.playbook(P + "operate", operation="restart", workload=name).ok()
    assert containers(name) not in ([left], [])


def test_consent_names_what_each_host_removes(twice: Pair, name: str) -> None:
    """D2 (review): only the first host's declaration was compared with it, and another environment's workload went, too."""
    (one, _two) = twice.members.values()
    place: Options = {"networks": [one.network], "env": {}}
    staging: Options = {**place, "environment": "staging", "routes": [{"host": f"{name}.staging.test"}]}
    one.apply(**shop(name, "1", **staging)[0])
    one.apply(**shop(name, "1", **place)[0])
    before = containers(name)
    twice.own = {"one": {"workloads": shop(name, "1", **staging)}, "two": {"workloads": shop(name, "1", **place)}}
    for extra in ({}, {"tidegate_serial": 1}):
        unnamed = twice.playbook(P + "teardown", workload=name, confirm=f"{name}.staging", **extra)
        assert unnamed.code != 0
        assert f"Say -e confirm={name},{name}.staging." in said(unnamed)
        assert containers(name) == before
    gone = twice.playbook(P + "teardown", workload=name, confirm=f"{name},{name}.staging").ok()
    assert "nothing in staging; changed 1" in said(gone)
    assert containers(name) == []


def test_what_goes_to_no_host_of_the_run_is_refused(twice: Pair, name: str, tmp_path: Path) -> None:
    """D2 (review): a deployment limited to hosts of other groups, or with "" for an environment, did nothing and was green."""
    (more := tmp_path / "groups.json").write_text(json.dumps({"nine": {"hosts": {"two": {}}}}))
    declared = shop(name, "1", groups="nine", environment="", release_command=["true"], release_command_once="false")
    asked: Options = {"workloads": declared, "tidegate_environment": "production", "workload": name}
    nowhere = twice.playbook(DEPLOY, "--check", "-i", str(more), "--limit", "one", **asked)
    assert nowhere.code != 0
    assert f"No host of this run takes {name} of the groups nine, of one." in said(nowhere)
    for extra in ({}, {"tidegate_canary": "one"}):
        found = twice.playbook(DEPLOY, "--check", "-i", str(more), **asked, **extra).ok()
        assert f"{name}: changed" in said(found)
        assert "tidegate_leads" not in str(found.rows), "false in quotes is false"


def test_volumes_that_are_left_go_by_the_workloads_name(platform: Platform, name: str) -> None:
    """A teardown that was killed once it had forgotten the workload; nothing named its volumes, or removed them."""
    volume = f"{name}-data"
    place: Options = {"networks": [platform.network], "env": {}, "strategy": "recreate"}
    declared = shop(name, "1", volumes=[{"source": volume, "target": "/data"}], **place)[0]
    driver = Driver(platform)
    away: Options = {"name": name, "state": "absent", "remove_volumes": True}
    deployed = platform.apply(**declared)
    assert not deployed["failed"], deployed
    driver.killed("reap", "after", **away)
    driver.run("reconcile", names=[name])
    doctor, plain, asked = platform.directly(
        Task({"ports": []}, module="tidegate.platform.platform_doctor"),
        Task({}, module="tidegate.platform.workload_info"),
        Task({"names": [name]}, module="tidegate.platform.workload_info"),
    )
    (found,) = (row for row in doctor["findings"] if row["check"] == "volumes")
    assert (found["state"], f"{volume} of {name}.production" in found["found"]) == ("ok", True), found
    assert name not in [row["name"] for row in plain["workloads"]], "nothing runs, and nothing is to be repaired"
    assert [(row["state"], row["volumes"]) for row in asked["workloads"]] == [("absent", [volume])]
    none = platform.playbook(P + "teardown", workload=name, confirm=name, workloads=[])
    assert (none.code != 0, volume in docker("volume", "ls", "-q").split()) == (True, True)
    platform.playbook(P + "teardown", workload=name, confirm=name, workloads=[], remove_volumes=True).ok()
    assert volume not in docker("volume", "ls", "-q").split()


def test_files_of_the_working_directory(
    platform: Platform, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A9: the README's `-e workload_files=workloads` ended in an error of Python's."""
    (folder := tmp_path / "workloads").mkdir()
    document = {"name": name, "image": "registry.test/shop:1", "environments": {"staging": None}}
    (folder / "shop.yml").write_text(yaml.safe_dump(document))
    monkeypatch.chdir(tmp_path)
    found = platform.playbook(P + "validate", workload_files="workloads", tidegate_environment="staging").ok()
    assert f"{name} (staging): image" in said(found)
    judged: Options = {"workload_files": "workloads", "environment_name": "staging", "tidegate_expect_healthy": True}
    assert f"{name} in staging is declared for this host" in said(platform.playbook(P + "status", **judged))
    hotfix = {"name": f"{name}h", "image": "registry.test/shop:2", "environment": "staging"}
    both = said(platform.playbook(P + "status", **judged, workloads=[hotfix]))
    assert f"{name}h in staging is declared for this host" in both, "what is said with -e is what counts"
    assert f"{name} in staging" not in both
    gone = platform.playbook(P + "validate", workload_files="elsewhere")
    assert f"elsewhere: is not there, neither where Ansible looks for files nor in {tmp_path}" in said(gone)


def test_what_is_asked_for_is_told_as_it_is(platform: Platform, name: str) -> None:
    """D2 (review): what named nothing was an empty table; users got 404, and it was well; a cancellation said nothing."""
    assert not platform.apply(**shop(name, "1", networks=[platform.network], env={})[0])["failed"]
    for verb, extra in (
        ("status", {"workload": f"{name},{name}x"}),
        ("reconcile", {"tidegate_environment": "elsewhere"}),
    ):
        nothing = platform.playbook(P + verb, **extra)
        assert nothing.code != 0, verb
        assert "No host has " in said(nothing)
    canceled = platform.playbook(P + "cancel", workload=name).ok()
    assert f"{name} in production: " in said(canceled)
    judged: Options = {"workload": name, "tidegate_expect_healthy": True}
    platform.playbook(P + "status", **judged).ok()
    platform.route(name).unlink()
    (platform.state / "routes" / "changed").write_text(name)  # what Traefik hears of
    assert until(lambda: platform.get(f"{name}.test")[0] == 404, 10)
    lost = platform.playbook(P + "status", **judged)
    assert lost.code != 0
    assert f"{name} in production: its route Host(`{name}.test`) is missing" in said(lost)
