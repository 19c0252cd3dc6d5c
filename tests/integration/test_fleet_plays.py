"""The playbooks over two hosts with platforms of their own, on one engine: all go, or all come back, and it is said (B6, D7)."""

from __future__ import annotations

import json
import shutil
import typing as t
from dataclasses import dataclass, field

import names
import pytest
from harness.platforms import Options, Platform, Play, containers, docker, fresh, provisioned

DEPLOY = "tidegate.platform.deploy"


@dataclass
class Pair(Platform):
    """Two platforms as the hosts of one inventory; `own` are variables of one of them."""

    members: dict[str, Platform] = field(default_factory=dict)
    own: dict[str, Options] = field(default_factory=dict)
    strategy: str = ""

    def hosts(self) -> dict[str, Options]:
        """Inventory variables of every host."""
        return {name: {**member.inventory(), **self.own.get(name, {})} for name, member in self.members.items()}

    def environment(self, capture: t.Any) -> dict[str, str]:
        """Environment of ansible-playbook."""
        chosen = {"ANSIBLE_STRATEGY": self.strategy} if self.strategy else {}
        return {**super().environment(capture), **chosen}

    def versions(self, host: str) -> str:
        """What each host serves, one character a host."""
        return "".join(member.version(host) for member in self.members.values())


@pytest.fixture(scope="module")
def second() -> t.Iterator[Platform]:
    """Another platform beside the session's."""
    with provisioned(fresh("two")) as made:
        yield made
    shutil.rmtree(made.root)


@pytest.fixture
def pair(platform: Platform, second: Platform, name: str) -> t.Iterator[Pair]:
    """Both as one inventory."""
    yield Pair(platform.root, platform.label, platform.ports, members={"one": platform, "two": second})
    second.apply(name=name, state="absent", drain={"timeout": 0})


def shop(name: str, version: str, **more: t.Any) -> list[Options]:
    """The workload, in the network of each host."""
    return [
        {
            "name": name,
            "image": names.image("app", version),
            "port": 8000,
            "networks": ["{{ traefik_network }}"],
            "env": "{{ shop_env | default({}) }}",
            "health": {"path": "/healthz", "deadline": 5},
            "drain": {"timeout": 2},
            "stop_timeout": 2,
            "routes": [{"host": f"{name}.test"}],
            **more,
        }
    ]


def said(play: Play) -> str:
    """What was printed, without its line ends."""
    return " ".join(play.output.split())


BAD: Options = {"shop_env": {"HEALTH_STATUS": "500"}}


def test_a_fleet_says_what_each_host_is_on(pair: Pair, name: str) -> None:
    """B6: read back from each host; a verb that changes releases has two phases; commands for all run once."""
    host = f"{name}.test"
    declared = shop(name, "1", release_command=["true"], release_command_once=True)
    first = pair.playbook(DEPLOY, workloads=declared).ok()
    ran = [
        row["host"]
        for row in first.rows
        for w in row["result"].get("workloads", [])
        for s in w.get("steps", [])
        if s["name"] == "release_command"
    ]
    assert ran == ["one"], "a release command that is for all of them"
    pair.strategy = "free"
    play = pair.playbook(DEPLOY, workloads=shop(name, "2")).ok()
    pair.strategy = ""
    assert pair.versions(host) == "22", "D7: hosts wait for each other under the strategy free, too"
    assert f"live: {name}: {names.image('app', '2')}" in said(play)
    pair.playbook("tidegate.platform.rollback", workload=name).ok()
    assert pair.versions(host) == "11"
    before = containers(name)
    pair.playbook("tidegate.platform.operate", operation="restart", workload=name).ok()
    assert not set(before) & set(containers(name))
    pair.playbook("tidegate.platform.redeploy", workloads=shop(name, "2"), workload=name).ok()
    assert pair.versions(host) == "22"
    gone = pair.playbook("tidegate.platform.teardown", workloads=shop(name, "2"), workload=name, confirm=name).ok()
    assert f"live: {name}: nothing" in said(gone)
    assert containers(name) == []


def test_who_does_not_have_it_is_not_asked_how_it_is(pair: Pair, name: str) -> None:
    """D2: verification of a workload failed on hosts that it is not for; and one that is nowhere was well if it was declared nowhere."""
    one = pair.members["one"]
    one.apply(**shop(name, "1", networks=[one.network], env={})[0])
    expected: Options = {"workload": name, "tidegate_expect_healthy": True}

    def judged(**more: t.Any) -> str:
        play = pair.playbook("tidegate.platform.status", **{**expected, **more})
        words = [row["result"].get("msg", "") for row in play.rows if row["task"] == "Judge" and row["failed"]]
        return f"{play.code}: {' '.join(words)}"

    assert judged() == "0: "
    pair.own["one"] = {"workloads": shop(name, "1", groups="all")}
    assert judged() == "0: ", "declared for one of them"
    pair.own.clear()
    assert f"{name} in production is declared for this host, which does not have it" in judged(
        workloads=shop(name, "1")
    )
    assert judged(workload=f"{name},{name}x").count(f"no host has {name}x") == 2
    docker("stop", "-t", "1", *containers(name))
    assert f"{name} in production is down" in judged()
    one.apply(name=name, state="absent")
    assert f"no host has {name}" in judged()
    assert judged(workload="") == "0: ", "what is gone is not ill"


def test_one_that_fails_leaves_all_on_what_they_had(pair: Pair, name: str) -> None:
    """B6: of each verb; and what is said is what each host says."""
    host = f"{name}.test"
    pair.playbook(DEPLOY, workloads=shop(name, "1")).ok()
    before = containers(name)
    pair.own["two"] = BAD
    for verb, extra in (("deploy", {}), ("redeploy", {"workload": name})):
        play = pair.playbook(f"tidegate.platform.{verb}", workloads=shop(name, "2"), **extra)
        assert play.code != 0
        assert "failed on two" in play.output
        assert f"this one is on what it had before: {name}: {names.image('app', '1')}" in said(play)
        assert (pair.versions(host), containers(name)) == ("11", before)
    pair.own["two"] = {"traefik_api_port": 9}
    play = pair.playbook(DEPLOY, workloads=shop(name, "2"))
    assert play.code != 0
    assert pair.versions(host) == "11"
    pair.own.clear()


def test_the_timer_in_the_middle_of_a_fleets_deployment(pair: Pair, name: str) -> None:
    """B6: reconciliation between switch and end does not finish it; a revert that could not be is said."""
    host = f"{name}.test"
    pair.playbook(DEPLOY, workloads=shop(name, "1")).ok()
    one, two = pair.members.values()
    declared = shop(name, "2", networks=[one.network], env={})[0]

    def phase(member: Platform, what: str) -> Options:
        element = {**declared, "networks": [member.network]}
        params = {"workloads": [element], "phase": what, "fleet": "lost"}
        return member.stories([{"story": "declare_many", "params": params}])[0]

    for member in (one, two):
        assert not phase(member, "stage")["failed"]
    assert not phase(one, "switch")["failed"]
    for member in (one, two):
        (row,) = member.stories([{"story": "reconcile", "params": {"names": [name]}}])[0]["workloads"]
        assert row["state"] == "busy"
    refused = pair.playbook(DEPLOY, workloads=shop(name, "4"))
    assert refused.code != 0
    assert "fleet's run 'lost'" in said(refused)
    assert pair.versions(host) == "21"
    pair.playbook("tidegate.platform.cancel", workload=name, outcome="revert").ok()
    assert pair.versions(host) == "11"
    assert len(containers(name)) == 2


def test_what_a_run_has_left_ends_on_every_host_in_one_way(pair: Pair, name: str) -> None:
    """B6: `finish` of a switched and a staged host left two versions, and said that all was well; check mode failed."""

    def phases(*each: str) -> None:
        for member, mine in zip(pair.members.values(), each, strict=True):
            row = shop(name, "2", networks=[member.network], env={})[0]
            params = {"workloads": [row], "fleet": "dead"}
            calls = [{"story": "declare_many", "params": {**params, "phase": phase}} for phase in mine.split()]
            assert [done["msg"] for done in member.stories(calls) if done["failed"]] == []

    cancel = "tidegate.platform.cancel"
    for member in pair.members.values():
        member.apply(**shop(name, "1", networks=[member.network], env={})[0])
    phases("stage switch", "stage")
    plain = said(pair.playbook(cancel, "--limit", "one", workload=name, environment_name="production"))
    assert f"run the playbook cancel with -e workload={name} -e outcome=finish or revert" in plain
    half = pair.playbook(cancel, outcome="finish")
    assert half.code != 0
    assert "Not every host was switched" in said(half)
    assert f"two is on {shop(name, '1')[0]['image']}" in said(half)
    assert half.changed == []
    phases("", "switch")
    before = containers(name)
    for outcome in ("finish", "revert"):
        assert pair.playbook(cancel, "--check", outcome=outcome, tidegate_fleet="dead").ok().changed
    assert (pair.versions(f"{name}.test"), containers(name)) == ("22", before)
    pair.playbook(cancel, outcome="finish", tidegate_fleet="dead").ok()
    assert pair.versions(f"{name}.test") == "22"
    assert len(containers(name)) == 2
    assert "Nothing to end" in said(pair.playbook(cancel, outcome="revert").ok())


def test_a_canary_comes_back_with_the_rest(pair: Pair, name: str) -> None:
    """B6: a canary that is well, and a rest that is not."""
    host = f"{name}.test"
    pair.playbook(DEPLOY, workloads=shop(name, "1")).ok()
    before = containers(name)
    pair.own["two"] = BAD
    play = pair.playbook(DEPLOY, workloads=shop(name, "2"), tidegate_canary="one")
    assert play.code != 0
    assert any(
        row["task"] == "Switch every host" and row["host"] == "one" and row["result"].get("changed")
        for row in play.rows
    )
    assert (pair.versions(host), containers(name)) == ("11", before)


def test_a_canary_comes_back_when_the_rest_cannot_begin(pair: Pair, name: str) -> None:
    """B6: what the rest declares was refused after the canary was on its new release, where it stayed."""
    host = f"{name}.test"
    pair.playbook(DEPLOY, workloads=shop(name, "1")).ok()
    before = containers(name)
    pair.own = {"one": {"workloads": shop(name, "2")}, "two": {"workloads": shop(name, "2", groups="elsewhere")}}
    play = pair.playbook(DEPLOY, tidegate_canary="one")
    assert play.code != 0
    assert "No host of the inventory takes" in said(play)
    assert "Every host of this batch goes back; this one is on what it had before" in said(play)
    assert (pair.versions(host), containers(name)) == ("11", before)


@pytest.mark.second
def test_two_canaries_and_one_that_stays(pair: Pair, name: str) -> None:
    """B6: two canaries of which one is bad; then a good one, which nothing is done to again."""
    host = f"{name}.test"
    pair.playbook(DEPLOY, workloads=shop(name, "1")).ok()
    before = containers(name)
    pair.own["two"] = BAD
    both = pair.playbook(DEPLOY, workloads=shop(name, "2"), tidegate_canary="one,two")
    assert both.code != 0
    assert (pair.versions(host), containers(name)) == ("11", before)
    pair.own.clear()
    pair.playbook(DEPLOY, workloads=shop(name, "2"), tidegate_canary="one").ok()
    assert pair.versions(host) == "22"
    assert len(containers(name)) == 2
    assert pair.playbook(DEPLOY, workloads=shop(name, "2"), tidegate_canary="two").ok().changed == []


@pytest.mark.second
def test_hosts_that_are_few_or_called_otherwise(pair: Pair, name: str) -> None:
    """D7: a batch of one, a limit, a host that left before its batch began, and one that has another name now."""
    host = f"{name}.test"
    pair.playbook(DEPLOY, workloads=shop(name, "1"), tidegate_serial=1).ok()
    pair.playbook(DEPLOY, "--limit", "two", workloads=shop(name, "2")).ok()
    assert pair.versions(host) == "12", "who is named is the fleet"
    pair.own["two"] = {"workloads": "nonsense"}
    inventory: Options = {"one": shop(name, "4"), "two": "nonsense"}
    pair.own = {member: {"workloads": rows} for member, rows in inventory.items()}
    play = pair.playbook(DEPLOY)
    assert play.code != 0
    assert pair.versions(host) == "12", "one of two hosts is no fleet of one"
    pair.own.clear()
    pair.members = {"uno": pair.members["one"], "due": pair.members["two"]}
    pair.playbook(DEPLOY, workloads=shop(name, "4")).ok()
    assert pair.versions(host) == "44"
    assert json.loads(pair.members["uno"].get(host)[2])["version"] == "4"


def made(play: Play, step: str) -> int:
    """How often a step was done, by all hosts of a run."""
    rows = [
        workload for row in play.rows for workload in row["result"].get("workloads", []) if row["result"]["changed"]
    ]
    return sum(done["name"] == step for workload in rows for done in workload.get("steps", []))


def test_a_machine_that_is_in_the_inventory_twice(pair: Pair, name: str) -> None:
    """D7: two names of one host are staged once and switched once, and nothing is left; both are said to be well."""
    pair.members = dict.fromkeys(("one", "again"), pair.members["one"])
    play = pair.playbook(DEPLOY, workloads=shop(name, "1")).ok()
    assert (made(play, "start"), made(play, "switch")) == (1, 1), play.rows
    assert {row["host"] for row in play.rows} == {"one", "again"}
    assert pair.members["one"].version(f"{name}.test") == "1"
    assert len(containers(name)) == 1
